/**
 * Where records go: for each endpoint an outbox of its own, and a sender that empties it. So one that is away holds up
 * no other, and each has its own bounds; what it costs is a record's bytes once for each.
 */
import { hash } from "node:crypto";
import { join } from "node:path";
import { parseObject } from "../../parsers/loose-json.ts";
import { fields, isCount, isMoment, isText, listOf } from "../../parsers/shape.ts";
import type { RecordContext } from "../ship/context.ts";
import type { LogRecord } from "../ship/log-record.ts";
import { type Outbox, openOutbox } from "../ship/outbox.ts";
import { createDroppedSums, type DroppedRecords, type DroppedSums, toDroppedRecord } from "../ship/outbox-dropped.ts";
import { openSender, type Sender, type SenderTotals } from "../ship/outbox-sender.ts";
import { openSetAsideFiles } from "../ship/set-aside-files.ts";
import type { EventDetail, EventName, Events } from "../telemetry/events.ts";
import type { Backend } from "./backend.ts";
import { type Housekeeping, openHousekeeping } from "./housekeeping.ts";

/** What the state must tell of how far it goes. */
export interface Progress {
  bootId: string;
  position: number | undefined;
}

export interface DeliveriesOptions<S> {
  /** one for each endpoint, at least one; closed by close() */
  backends: readonly Backend[];
  /** absent: memory only */
  directory: string | undefined;
  maxBytes?: number | undefined;
  /** milliseconds */
  maxAgeMs?: number | undefined;
  /** of the records about what was dropped; states of another boot are not restored */
  context: RecordContext;
  events: Events;
  /** default: whatever was saved */
  readState?: ReadState<S>;
  /** CLOCK_BOOTTIME in milliseconds */
  upMs?: () => number;
}

/**
 * The state as it was saved → the state.
 * @param onProblem called with what of it cannot be used
 * @returns undefined where none of it can
 */
export type ReadState<S> = (json: string, onProblem: (problem: string) => void) => S | undefined;

/** How one endpoint fares. */
export interface DeliveryStatus {
  /** where records go, without credentials */
  target: string;
  totals: Readonly<SenderTotals>;
  /** of what waits */
  size: { records: number; bytes: number };
  /** of it what is in memory only */
  atRisk: { records: number; bytes: number };
  /** records since the start, by why */
  dropped: Readonly<Record<string, number>>;
}

export interface Deliveries<S> {
  /** Of several endpoints the state that is furthest behind: what the others have, their outboxes know. */
  readonly restored: S | undefined;
  /** The same where it is of this boot, else what the last run saved. */
  readonly last: S | undefined;
  /** Whether there is an endpoint that it is still to be told to. */
  isNew(record: LogRecord): boolean;
  status(): DeliveryStatus[];
  /** Saves in each outbox, all or nothing, and wakes its sender. */
  commit(records: readonly LogRecord[], state: S): void;
  /** What was not delivered is tried again at once: something has changed. */
  hurry(): void;
  /** Sends what waits for up to `timeoutMs` milliseconds and lets go of everything. @returns totals of all endpoints */
  close(options: { timeoutMs: number }): Promise<SenderTotals>;
}

/** What is saved with the records of one endpoint. */
type Saved<S> = S & { dropped?: readonly DroppedRecords[] };

interface Delivery<S> {
  backend: Backend;
  outbox: Outbox<Saved<S>>;
  sender: Sender;
  /** records since the start, by why */
  dropped: Record<string, number>;
  untold: DroppedSums;
  /** what had been delivered when something was last dropped */
  deliveredThen: number;
  /** absent: there is no directory */
  housekeeping?: Housekeeping;
}

/** Of the folders of all endpoints but the first. */
export const ENDPOINT_PREFIX = "endpoint-";

/** @throws OutboxInUseError */
export function openDeliveries<S extends Progress>(options: DeliveriesOptions<S>): Deliveries<S> {
  const deliveries: Delivery<S>[] = [];
  try {
    for (const [index, backend] of options.backends.entries()) deliveries.push(open(backend, index));
  } catch (error) {
    for (const { outbox } of deliveries) outbox.close();
    throw error;
  }

  function open(backend: Backend, index: number): Delivery<S> {
    const { maxBytes, maxAgeMs, events } = options;
    const directory = directoryOf(options.directory, backend, index);
    const onTrouble = (name: EventName, detail: EventDetail): void => events.report(name, withTarget(detail, backend));
    const files =
      directory === undefined
        ? undefined
        : openSetAsideFiles({
            directory,
            onFailure: (detail) => onTrouble("rejected_not_kept", detail),
            onDropped: (detail) => onTrouble("set_aside_dropped", detail),
          });
    const outbox = openOutbox<Saved<S>>({
      directory,
      bootId: options.context.bootId,
      ...(options.upMs === undefined ? {} : { upMs: options.upMs }),
      ...(options.readState === undefined ? {} : { readState: withDropped(options.readState) }),
      ...(files === undefined ? {} : { onUnreadable: files.keepUnreadable }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
      ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
      onTrouble,
      // Called by what is done to it, not while it opens.
      onDropped(sum) {
        delivery.dropped[sum.reason] = (delivery.dropped[sum.reason] ?? 0) + sum.records;
        delivery.deliveredThen = sender.totals.delivered;
        delivery.untold.add(sum);
      },
    });
    const sender = openSender({
      outbox,
      export: backend.export,
      onTrouble,
      ...(files === undefined ? {} : { onSetAside: files.keepRecords }),
    });
    const untold = createDroppedSums(outbox.restored?.dropped);
    const delivery: Delivery<S> = { backend, outbox, sender, dropped: {}, untold, deliveredThen: 0 };
    if (directory !== undefined && files !== undefined) {
      const onBadLine = (text: string): void =>
        files.keepUnreadable({ what: "record", problem: "is no record that was set aside", text });
      const target = (): string => backend.target;
      delivery.housekeeping = openHousekeeping({ directory, target, outbox, sender, onTrouble, onBadLine });
      delivery.housekeeping.tick(performance.now());
    }
    return delivery;
  }

  /** What was dropped is told once the backend has taken something since. */
  function takeDropped({ sender, untold, deliveredThen }: Delivery<S>): LogRecord[] {
    if (sender.totals.delivered <= deliveredThen) return [];
    return untold.take().map((dropped) => toDroppedRecord(dropped, options.context));
  }

  /** With one endpoint there is nothing to tell apart. */
  function withTarget(detail: EventDetail, { target }: Backend): EventDetail {
    return options.backends.length === 1 ? detail : { ...detail, target };
  }

  const restored = furthestBehind(deliveries, options.context.bootId);
  return {
    restored,
    last: restored ?? deliveries[0]?.outbox.restored,
    isNew: (record) => deliveries.some(({ outbox }) => outbox.isNew(record)),
    status: () =>
      deliveries.map(({ backend, outbox, sender, dropped }) => ({
        target: backend.target,
        totals: sender.totals,
        size: outbox.size,
        atRisk: outbox.atRisk,
        dropped: { ...dropped },
      })),
    commit(records, state) {
      for (const delivery of deliveries) {
        const all = [...records, ...takeDropped(delivery)];
        const dropped = delivery.untold.list();
        delivery.outbox.commit(all, dropped.length === 0 ? state : { ...state, dropped });
        if (all.length > 0) delivery.sender.wake();
        delivery.housekeeping?.tick(performance.now());
      }
    },
    hurry() {
      for (const { sender } of deliveries) sender.hurry();
    },
    async close(limits) {
      const totals = await Promise.all(deliveries.map(({ sender }) => sender.close(limits)));
      for (const { backend, outbox, housekeeping } of deliveries) {
        housekeeping?.close();
        backend.close();
        outbox.close();
      }
      return totals.reduce(addTotals);
    },
  };
}

/**
 * The first endpoint has the directory itself, so that what waits is not stranded when its address changes. The others
 * are told apart by their address, in whatever order they are named.
 */
function directoryOf(directory: string | undefined, { target }: Backend, index: number): string | undefined {
  if (directory === undefined || index === 0) return directory;
  return join(directory, `${ENDPOINT_PREFIX}${hash("sha256", target).slice(0, 12)}`);
}

/** An endpoint that is new has no state: it gets what comes from now on. */
function furthestBehind<S extends Progress>(
  deliveries: readonly Delivery<S>[],
  bootId: string | undefined,
): S | undefined {
  const states = deliveries.flatMap(({ outbox: { restored } }) => (restored?.bootId === bootId ? [restored] : []));
  return states.toSorted((a, b) => (a?.position ?? 0) - (b?.position ?? 0))[0];
}

const isDroppedList = listOf(
  fields({ reason: isText, records: isCount, bytes: isCount, sinceMs: isMoment, untilMs: isMoment }),
);

/** Reads what was dropped beside the rest of the state. */
function withDropped<S>(readState: ReadState<S>): ReadState<Saved<S>> {
  return (json, onProblem) => {
    const state = readState(json, onProblem);
    const dropped = parseObject(json)?.["dropped"];
    if (state === undefined) return undefined;
    const isUsable = dropped === undefined || isDroppedList(dropped);
    if (!isUsable) onProblem("dropped is not what the agent saves");
    return { ...state, dropped: isUsable ? ((dropped ?? []) as readonly DroppedRecords[]) : [] };
  };
}

function addTotals(a: SenderTotals, b: SenderTotals): SenderTotals {
  return {
    delivered: a.delivered + b.delivered,
    rejected: a.rejected + b.rejected,
    retries: a.retries + b.retries,
    waiting: a.waiting + b.waiting,
  };
}
