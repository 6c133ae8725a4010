import type { CheckContext, CheckResult } from "../check.ts";
export async function runTestKill(_context: CheckContext): Promise<CheckResult[]> {
  return [];
}
