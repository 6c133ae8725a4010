/** The shells that a command of ours may be pasted into, run for real. */
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync, spawnSync } from "node:child_process";

export interface Shell {
  name: string;
  /** how a script is given to it: as an argument, or typed at its prompt */
  run(script: string, options: RunOptions): string;
  /** undefined: it is here */
  missing: string | undefined;
}

export interface RunOptions {
  cwd: string;
  /** where fish keeps what it needs */
  home: string;
  /** programs in front of the system's */
  programs?: string;
}

interface Row {
  name: string;
  command: readonly [string, ...string[]];
  /** the Debian package that has it; absent: it is everywhere */
  debian?: string;
  /** the script is typed at a prompt, where `!` may be history and `#` no comment */
  typed?: true;
}

const ROWS: readonly Row[] = [
  { name: "sh", command: ["sh"] },
  { name: "bash", command: ["bash", "--norc", "--noprofile", "-O", "extglob"] },
  { name: "bash at its prompt", command: ["bash", "--norc", "--noprofile", "-i"], typed: true },
  { name: "dash", command: ["dash"], debian: "dash" },
  { name: "zsh", command: ["zsh", "-f"], debian: "zsh" },
  {
    name: "zsh with options that change quoting",
    command: ["zsh", "-f", ...["rcquotes", "extendedglob", "magicequalsubst"].flatMap((option) => ["-o", option])],
    debian: "zsh",
  },
  { name: "zsh at its prompt", command: ["zsh", "-f", "-i"], debian: "zsh", typed: true },
  { name: "fish", command: ["fish", "--no-config"], debian: "fish" },
  { name: "ksh", command: ["ksh"], debian: "ksh" },
  { name: "busybox sh", command: ["busybox", "sh"], debian: "busybox" },
];

export const SHELLS: readonly Shell[] = ROWS.map(({ name, command: [program, ...args], debian, typed }) => {
  const isThere = spawnSync(program, ["-c", ":"], { stdio: "ignore" }).error === undefined;
  return {
    name,
    missing: isThere || debian === undefined ? undefined : `no ${program}: apt-get install ${debian}`,
    run(script, { cwd, home, programs }) {
      const path = "/usr/local/bin:/usr/bin:/bin";
      const env = {
        PATH: programs === undefined ? path : `${programs}:${path}`,
        HOME: home,
        LC_ALL: "C.UTF-8",
        HISTFILE: "/dev/null",
      };
      // What a shell says of the script, and its prompts, go to standard error.
      const options: ExecFileSyncOptionsWithStringEncoding = {
        cwd,
        env,
        encoding: "utf8",
        stdio: ["pipe", "pipe", "ignore"],
      };
      if (typed === undefined) return execFileSync(program, [...args, "-c", script], options);
      return execFileSync(program, args, { ...options, input: `${script}\nexit 0\n` });
    },
  };
});
