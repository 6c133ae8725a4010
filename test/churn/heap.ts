/** What a heap snapshot says of collections: how much each Map, Set, array or object that is used as one holds, and whose it is. */
import { text } from "node:stream/consumers";
import { getHeapSnapshot } from "node:v8";

export interface Collection {
  /** the variable or property that holds it, and what it is: `isThere: Map` */
  name: string;
  /** of its table of entries: those of one that has become empty shrink with it */
  bytes: number;
}

export interface Heap {
  /** objects, strings and closures that are alive */
  values: number;
  /** those of at least `minBytes`, the largest first */
  collections: Collection[];
}

/** https://github.com/v8/v8/blob/main/src/profiler/heap-snapshot-generator.cc: rows of numbers, named by `meta` */
interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: [string[]]; edge_fields: string[]; edge_types: [string[]] } };
  nodes: number[];
  edges: number[];
  strings: string[];
}

/** Where V8 keeps entries: of Map, Set and WeakMap, of arrays, of objects with many keys. */
const TABLES: ReadonlySet<string> = new Set(["table", "elements", "properties"]);
const VALUES: ReadonlySet<string> = new Set(["object", "closure", "string", "concatenated string", "sliced string"]);

/** Collects garbage first, as a snapshot does. */
export async function readHeap(minBytes: number): Promise<Heap> {
  const heap = JSON.parse(await text(getHeapSnapshot())) as Snapshot;
  const { node_fields, node_types, edge_fields, edge_types } = heap.snapshot.meta;
  const node = fieldsOf(node_fields);
  const edge = fieldsOf(edge_fields);
  const { nodes, edges, strings } = heap;
  const nameOf = (at: number): string => strings[nodes[at + node("name")] ?? 0] ?? "";
  const typeOf = (at: number): string => node_types[0][nodes[at + node("type")] ?? 0] ?? "";

  /** object → bytes of its tables */
  const sizes = new Map<number, number>();
  let values = 0;
  eachEdge((from, type, name, to) => {
    const bytes = nodes[to + node("self_size")] ?? 0;
    if (type === "internal" && TABLES.has(name) && bytes >= minBytes && typeOf(from) === "object")
      sizes.set(from, Math.max(sizes.get(from) ?? 0, bytes));
  });
  for (let at = 0; at < nodes.length; at += node_fields.length) if (VALUES.has(typeOf(at))) values++;

  const owners = new Map<number, string>();
  eachEdge((from, type, name, to) => {
    if (!sizes.has(to) || owners.has(to)) return;
    if (type === "context" || (type === "property" && nameOf(from) !== "system / PropertyCell")) owners.set(to, name);
  });
  const collections = [...sizes].map(([at, bytes]) => ({ name: `${owners.get(at) ?? "?"}: ${nameOf(at)}`, bytes }));
  return { values, collections: collections.toSorted((one, other) => other.bytes - one.bytes) };

  function eachEdge(callback: (from: number, type: string, name: string, to: number) => void): void {
    let next = 0;
    for (let from = 0; from < nodes.length; from += node_fields.length) {
      for (let left = nodes[from + node("edge_count")] ?? 0; left > 0; left--, next += edge_fields.length) {
        const type = edge_types[0][edges[next + edge("type")] ?? 0] ?? "";
        // Elements and the like have a number in place of a name.
        if (type === "element" || type === "hidden") continue;
        callback(
          from,
          type,
          strings[edges[next + edge("name_or_index")] ?? 0] ?? "",
          edges[next + edge("to_node")] ?? 0,
        );
      }
    }
  }
}

function fieldsOf(names: readonly string[]): (name: string) => number {
  const places = new Map(names.map((name, at) => [name, at]));
  return (name) => places.get(name) ?? 0;
}
