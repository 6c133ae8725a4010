/** The commands there are, in the order in which help names them. */
import { agentCommand } from "./agent.ts";
import type { Command } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { manCommand } from "./man.ts";
import { outboxCommand } from "./outbox.ts";
import { replayCommand } from "./replay.ts";

export const COMMANDS: readonly Command[] = [
  replayCommand,
  diffCommand,
  agentCommand,
  doctorCommand,
  outboxCommand,
  completionCommand,
  manCommand,
];
