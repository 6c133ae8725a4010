/** What is asked for one by one, over a real connection to an API server that has one answer. */
import { openApi } from "../src/identify/api/api.ts";
import { type Objects, type ObjectsOptions, openObjects } from "../src/identify/api/objects.ts";
import { plainCredentials } from "./followed.ts";
import { type KubeApi, openKubeApi, timeoutFor, type WrongAnswer } from "./kube-api.ts";

export interface ServedObjects<T> {
  objects: Objects<T>;
  server: KubeApi;
  /** each with the right that it names */
  troubles: [name: string, needs: string | number | undefined][];
  close(): Promise<void>;
}

/** @param wrong what the first requests get instead */
export async function serveObjects<T>(
  answer: { path: string; json: object; wrong?: readonly WrongAnswer[] },
  options: Omit<ObjectsOptions<T>, "api" | "onTrouble" | "timeoutMs">,
): Promise<ServedObjects<T>> {
  const server = await openKubeApi();
  server.failNext("get", ...(answer.wrong ?? []));
  server.objects.set(answer.path, answer.json);
  const api = openApi({ credentials: plainCredentials(server.url), userAgent: "test" });
  const troubles: ServedObjects<T>["troubles"] = [];
  const onTrouble: ObjectsOptions<T>["onTrouble"] = (name, { needs }) => troubles.push([name, needs]);
  return {
    objects: openObjects({ api, onTrouble, timeoutMs: timeoutFor(...(answer.wrong ?? [])), ...options }),
    server,
    troubles,
    async close() {
      await api.close();
      await server.close();
    },
  };
}
