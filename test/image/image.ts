/**
 * The image for both architectures, built of the Dockerfile by Debian's buildah in a store of its own, on bases made of
 * Debian's packages.
 */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import manifest from "../../package.json" with { type: "json" };

/** What of https://github.com/opencontainers/image-spec/blob/main/config.md is looked at. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  Labels: Record<string, string>;
}

/** As Node names them. */
export type Architecture = "x64" | "arm64";

export interface BuiltImage {
  /** as OCI names it */
  readonly architecture: string;
  readonly config: ImageConfig;
  /** where its files are, and those of the base that its last stage began with */
  readonly root: string;
  readonly baseRoot: string;
}

export interface BuiltImages {
  of(architecture: Architecture): BuiltImage;
  remove(): void;
}

const OCI_NAMES: Readonly<Record<Architecture, string>> = { x64: "amd64", arm64: "arm64" };
/** Debian's qemu-user-static: runs a program of that architecture on any other. */
const EMULATORS: Readonly<Record<Architecture, string>> = { x64: "qemu-x86_64-static", arm64: "qemu-aarch64-static" };
export const OWN = process.arch as Architecture;
export const OTHER: Architecture = OWN === "x64" ? "arm64" : "x64";
export const EMULATOR = EMULATORS[OTHER];

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL("../../", import.meta.url));
/** The pinned Node: one file, linked to what RUNTIME_PACKAGES have. */
const NODE = join(SOURCE, `node_modules/node-linux-${OWN}/bin/node`);
const RUNTIME_PACKAGES = ["libc6", "libstdc++6"];
const BUILD_PACKAGES = [...RUNTIME_PACKAGES, "dash", "coreutils"];
const NPM_CACHE = "/npm-cache";
/** Who signs for the registry, where this machine says so. */
const AUTHORITIES = process.env["NODE_EXTRA_CA_CERTS"];
const AUTHORITIES_THERE = "/authorities.pem";
const BUILD_ENVIRONMENT = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  npm_config_cache: NPM_CACHE,
  npm_config_prefer_offline: "true",
  ...(AUTHORITIES === undefined ? {} : { NODE_EXTRA_CA_CERTS: AUTHORITIES_THERE }),
};
/** What the label says, for any commit. */
export const REVISION = "0123456789abcdef0123456789abcdef01234567";

/** undefined: it can be built */
export function whyNoImage(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "an image is built and run as root, on Linux";
  const missing = ["buildah", "mmdebstrap", "unshare", "chroot", EMULATOR].filter(
    (program) => findProgram(program) === undefined,
  );
  if (missing.length > 0) {
    return `no ${missing.join(", ")}: apt-get install buildah mmdebstrap qemu-user-static util-linux`;
  }
  if (!existsSync(NODE)) return `no ${NODE}: npm ci`;
  if (findNpm() === undefined) return "no npm in the path: install Node's or Debian's";
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "pipe" });
  } catch (error) {
    return `no mount namespace can be made: ${(error as Error).message.trim()}`;
  }
  return undefined;
}

/** @throws with what the program that failed has printed */
export async function buildImages(): Promise<BuiltImages> {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-image-"));
  const images = new Map<Architecture, BuiltImage>();
  const buildah = async (...args: string[]): Promise<string> => {
    const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
    const { stdout } = await run("buildah", [...store, ...args], { cwd: SOURCE, maxBuffer: 1 << 26 });
    return stdout.trim();
  };

  try {
    // Of this machine's architecture, whatever it says: Debian 12's buildah passes over the Dockerfile's BUILDPLATFORM.
    const build = { name: "build", architectures: [OWN, OTHER], environment: BUILD_ENVIRONMENT };
    await commitBase(buildah, build, makeBuildFiles);
    for (const architecture of [OWN, OTHER]) {
      const node = await findNode(architecture, folder);
      await commitBase(buildah, { name: "runtime", architectures: [architecture], environment: {} }, (root) =>
        makeRuntimeFiles(root, architecture, node),
      );
      images.set(architecture, await buildFor(architecture, buildah));
    }
  } catch (error) {
    removeStore(folder);
    throw error;
  }
  return { of: (architecture) => images.get(architecture) as BuiltImage, remove: () => removeStore(folder) };
}

type Buildah = (...args: string[]) => Promise<string>;

async function buildFor(architecture: Architecture, buildah: Buildah): Promise<BuiltImage> {
  const [runtime, tag] = [`localhost/runtime-${architecture}`, `oomscribe-${architecture}`];
  const mount = async (image: string): Promise<string> => buildah("mount", await buildah("from", image));
  const bases = ["--build-arg", `BUILD=localhost/build-${architecture}`, "--build-arg", `RUNTIME=${runtime}`];
  // What `npm ci` has fetched here needs no network there.
  const packages = ["--volume", `${await readNpmCache()}:${NPM_CACHE}`];
  const rest = ["--isolation", "chroot", "--pull-never", "--build-arg", `REVISION=${REVISION}`, "--tag", tag];
  await buildah("bud", "--platform", `linux/${OCI_NAMES[architecture]}`, ...bases, ...packages, ...rest, ".");
  const { OCIv1 } = JSON.parse(await buildah("inspect", "--type", "image", tag));
  const [root, baseRoot] = [await mount(tag), await mount(runtime)];
  return { architecture: OCIv1.architecture, config: OCIv1.config, root, baseRoot };
}

interface Base {
  name: string;
  /** the same files as an image for each, NAME-ARCHITECTURE */
  architectures: readonly Architecture[];
  environment: Readonly<Record<string, string>>;
}

async function commitBase(
  buildah: Buildah,
  { name, architectures, environment }: Base,
  makeFiles: (root: string) => Promise<void>,
): Promise<void> {
  const container = await buildah("from", "scratch");
  await makeFiles(await buildah("mount", container));
  const settings = Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  for (const architecture of architectures) {
    await buildah("config", "--os", "linux", "--arch", OCI_NAMES[architecture], ...settings, container);
    await buildah("commit", container, `localhost/${name}-${architecture}`);
  }
  await buildah("rm", container);
}

/** As in node:24-slim: a shell, and Node with its npm in /usr/local. */
async function makeBuildFiles(root: string): Promise<void> {
  await unpackPackages(BUILD_PACKAGES, root, OWN);
  cpSync(NODE, join(root, "usr/local/bin/node"));
  cpSync(findNpm() as string, join(root, "usr/local/lib/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/npm/bin/${name}-cli.js`, join(root, "usr/local/bin", name));
  if (AUTHORITIES !== undefined) cpSync(AUTHORITIES, join(root, AUTHORITIES_THERE), { dereference: true });
}

/** As in distroless: no shell, and Node in /nodejs/bin. */
async function makeRuntimeFiles(root: string, architecture: Architecture, node: string): Promise<void> {
  await unpackPackages(RUNTIME_PACKAGES, root, architecture);
  for (const folder of ["dev", "nodejs/bin", "proc", "sys", "tmp"]) mkdirSync(join(root, folder), { recursive: true });
  cpSync(node, join(root, "nodejs/bin/node"));
}

/** Unpacked and not set up: no script of a package runs, which would take a minute. */
async function unpackPackages(packages: readonly string[], root: string, architecture: Architecture): Promise<void> {
  const what = [`--include=${packages.join(",")}`, `--architectures=${OCI_NAMES[architecture]}`];
  // It asks for an emulator that the kernel starts by itself: nothing is to be started.
  const how = ["--variant=extract", "--mode=root", "--skip=check/qemu"];
  await run("mmdebstrap", [...how, ...what, "bookworm", root, ...(await readMirror())]);
}

/** That of another architecture npm leaves out. */
async function findNode(architecture: Architecture, folder: string): Promise<string> {
  if (architecture === OWN) return NODE;
  const name = `node-linux-${architecture}`;
  const version = manifest.optionalDependencies[`node-linux-${architecture}`];
  await run("npm", ["pack", `${name}@${version}`, "--prefer-offline", "--pack-destination", folder]);
  await run("tar", ["-xzf", join(folder, `${name}-${version}.tgz`), "-C", folder, "package/bin/node"]);
  return join(folder, "package/bin/node");
}

/** The machine's own mirror of Debian; nothing: mmdebstrap's. */
export async function readMirror(): Promise<string[]> {
  const format = ["--format", "$(ORIGIN) $(CODENAME) $(SITE)", "Identifier: Packages"];
  const { stdout } = await run("apt-get", ["indextargets", ...format]);
  const mirror = /^Debian [a-z]+ (\S+)$/m.exec(stdout)?.[1];
  return mirror === undefined ? [] : [mirror];
}

async function readNpmCache(): Promise<string> {
  return (await run("npm", ["config", "get", "cache"])).stdout.trim();
}

/** The folder of the npm in the path: it is whole in itself but where a distribution has taken it apart. */
function findNpm(): string | undefined {
  const folder = findProgram("npm")?.replace(/\/bin\/[^/]+$/, "");
  return folder !== undefined && existsSync(join(folder, "node_modules")) ? folder : undefined;
}

/** @returns its path, links followed */
export function findProgram(name: string): string | undefined {
  const paths = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  const path = paths.find((one) => existsSync(one));
  return path === undefined ? undefined : realpathSync(path);
}

/** Of the driver vfs: folders and no mounts. The cache of npm was mounted in one, so this is made sure of. */
function removeStore(folder: string): void {
  if (readFileSync("/proc/self/mountinfo", "utf8").includes(folder)) {
    throw new Error(`something is still mounted below ${folder}: unmount it, then delete the folder`);
  }
  rmSync(folder, { recursive: true });
}
