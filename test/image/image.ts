/** The image, built of the Dockerfile by Debian's buildah in a store of its own, on bases made of Debian's packages. */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** What of https://github.com/opencontainers/image-spec/blob/main/config.md is looked at. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Entrypoint: string[];
  Cmd: string[];
  Labels: Record<string, string>;
}

export interface BuiltImage {
  readonly config: ImageConfig;
  /** where its files are, and those of the base that its last stage began with */
  readonly root: string;
  readonly baseRoot: string;
  remove(): void;
}

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL("../../", import.meta.url));
/** The pinned Node: one file, linked to what RUNTIME_PACKAGES have. */
const NODE = join(SOURCE, `node_modules/node-linux-${process.arch}/bin/node`);
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
  const missing = ["buildah", "mmdebstrap", "unshare", "chroot"].filter(
    (program) => findProgram(program) === undefined,
  );
  if (missing.length > 0) return `no ${missing.join(", ")}: apt-get install buildah mmdebstrap util-linux`;
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
export async function buildImage(): Promise<BuiltImage> {
  const folder = mkdtempSync(join(tmpdir(), "oomscribe-image-"));
  const buildah = async (...args: string[]): Promise<string> => {
    const store = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
    const { stdout } = await run("buildah", [...store, ...args], { cwd: SOURCE, maxBuffer: 1 << 26 });
    return stdout.trim();
  };
  const mount = async (image: string): Promise<string> => buildah("mount", await buildah("from", image));

  try {
    await commitBase(buildah, "build", makeBuildFiles, BUILD_ENVIRONMENT);
    await commitBase(buildah, "runtime", makeRuntimeFiles, {});
    const bases = ["--build-arg", "BUILD=localhost/build", "--build-arg", "RUNTIME=localhost/runtime"];
    // What `npm ci` has fetched here needs no network there.
    const packages = ["--volume", `${await readNpmCache()}:${NPM_CACHE}`];
    const rest = ["--isolation", "chroot", "--pull-never", "--build-arg", `REVISION=${REVISION}`, "--tag", "oomscribe"];
    await buildah("bud", ...bases, ...packages, ...rest, ".");
    const { OCIv1 } = JSON.parse(await buildah("inspect", "--type", "image", "oomscribe"));
    const [root, baseRoot] = [await mount("oomscribe"), await mount("runtime")];
    return { config: OCIv1.config, root, baseRoot, remove: () => removeStore(folder) };
  } catch (error) {
    removeStore(folder);
    throw error;
  }
}

async function commitBase(
  buildah: (...args: string[]) => Promise<string>,
  name: string,
  makeFiles: (root: string) => Promise<void>,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const container = await buildah("from", "scratch");
  await makeFiles(await buildah("mount", container));
  const settings = Object.entries(environment).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
  await buildah("config", ...settings, container);
  await buildah("commit", "--rm", container, `localhost/${name}`);
}

/** As in node:24-slim: a shell, and Node with its npm in /usr/local. */
async function makeBuildFiles(root: string): Promise<void> {
  await unpackPackages(BUILD_PACKAGES, root);
  cpSync(NODE, join(root, "usr/local/bin/node"));
  cpSync(findNpm() as string, join(root, "usr/local/lib/npm"), { recursive: true });
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/npm/bin/${name}-cli.js`, join(root, "usr/local/bin", name));
  if (AUTHORITIES !== undefined) cpSync(AUTHORITIES, join(root, AUTHORITIES_THERE), { dereference: true });
}

/** As in distroless: no shell, and Node in /nodejs/bin. */
async function makeRuntimeFiles(root: string): Promise<void> {
  await unpackPackages(RUNTIME_PACKAGES, root);
  for (const folder of ["dev", "nodejs/bin", "proc", "sys", "tmp"]) mkdirSync(join(root, folder), { recursive: true });
  cpSync(NODE, join(root, "nodejs/bin/node"));
}

/** Unpacked and not set up: no script of a package runs, which would take a minute. */
async function unpackPackages(packages: readonly string[], root: string): Promise<void> {
  const include = `--include=${packages.join(",")}`;
  await run("mmdebstrap", ["--variant=extract", "--mode=root", include, "bookworm", root, ...(await readMirror())]);
}

/** The machine's own mirror of Debian; nothing: mmdebstrap's. */
async function readMirror(): Promise<string[]> {
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
function findProgram(name: string): string | undefined {
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
