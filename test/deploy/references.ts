/** What manifests of one deployment say of each other: every name that is referred to has to be there. */
import type { Manifest } from "./manifests.ts";

export interface DaemonSet extends Manifest {
  spec: { selector: { matchLabels: Labels }; template: { metadata: { labels: Labels }; spec: Pod } };
}

export interface Pod {
  serviceAccountName?: string;
  hostPID?: boolean;
  volumes?: Volume[];
  containers: Container[];
  [field: string]: unknown;
}

export interface Container {
  name: string;
  ports?: { name: string; containerPort: number }[];
  volumeMounts?: Mount[];
  [field: string]: unknown;
}

export interface Volume {
  name: string;
  hostPath?: { path: string; type?: string };
  configMap?: { name: string };
  secret?: { secretName: string; optional?: boolean };
}

export interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

type Labels = Readonly<Record<string, string>>;
interface Service extends Manifest {
  spec: { selector: Labels; ports: { name: string; targetPort: string | number }[] };
}
interface ServiceMonitor extends Manifest {
  spec: { selector: { matchLabels: Labels }; endpoints: { port: string }[] };
}
interface NetworkPolicy extends Manifest {
  spec: { podSelector: { matchLabels?: Labels }; ingress?: { ports?: { port: string | number }[] }[] };
}
interface Probe {
  httpGet?: { port: string | number };
}
interface Binding extends Manifest {
  roleRef: { kind: string; name: string };
  subjects: { kind: string; name: string; namespace?: string }[];
}

/** @throws where there are none or several */
export function daemonSetOf(manifests: readonly Manifest[]): DaemonSet {
  const [found, ...more] = manifests.filter(({ kind }) => kind === "DaemonSet");
  if (found === undefined || more.length > 0) throw new Error(`${found === undefined ? "no" : "several"} DaemonSets`);
  return found as DaemonSet;
}

/** @returns a sentence for each reference to something that is not among the manifests */
export function findLooseReferences(manifests: readonly Manifest[]): string[] {
  return [
    ...manifests.filter(isOf<DaemonSet>("DaemonSet")).flatMap((one) => inPod(one, manifests)),
    ...manifests.filter(isOf<Service>("Service")).flatMap((one) => ofService(one, manifests)),
    ...manifests.filter(isOf<ServiceMonitor>("ServiceMonitor")).flatMap((one) => ofMonitor(one, manifests)),
    ...manifests.filter(isOf<NetworkPolicy>("NetworkPolicy")).flatMap((one) => ofPolicy(one, manifests)),
    ...manifests.filter(isOf<Binding>("ClusterRoleBinding")).flatMap((one) => ofBinding(one, manifests)),
  ];
}

function inPod({ spec: { selector, template }, metadata }: DaemonSet, manifests: readonly Manifest[]): string[] {
  const { volumes = [], containers, serviceAccountName } = template.spec;
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  const maps = volumes.flatMap(({ configMap }) => (configMap === undefined ? [] : [configMap.name]));
  return [
    ...(isWithin(selector.matchLabels, template.metadata.labels) ? [] : ["the DaemonSet does not select its pods"]),
    ...mounts
      .filter(({ name }) => !volumes.some((volume) => volume.name === name))
      .map(({ name }) => `a mount of no volume: ${name}`),
    ...volumes
      .filter(({ name }) => !mounts.some((mount) => mount.name === name))
      .map(({ name }) => `a volume that is not mounted: ${name}`),
    ...containers.flatMap(inProbes),
    ...findTwice(mounts.map(({ mountPath }) => mountPath)).map((path) => `two mounts at ${path}`),
    ...maps
      .filter((name) => !has(manifests, "ConfigMap", name, metadata.namespace))
      .map((name) => `no ConfigMap ${name}`),
    ...(serviceAccountName === undefined || has(manifests, "ServiceAccount", serviceAccountName, metadata.namespace)
      ? []
      : [`no ServiceAccount ${serviceAccountName}`]),
  ];
}

const PROBES = ["startupProbe", "livenessProbe", "readinessProbe"];

function inProbes(container: Container): string[] {
  return PROBES.flatMap((name) => {
    const port = (container[name] as Probe | undefined)?.httpGet?.port;
    return port === undefined || hasPort([container], port) ? [] : [`no port ${port} of the container, for ${name}`];
  });
}

function ofService({ spec, metadata }: Service, manifests: readonly Manifest[]): string[] {
  const { template } = daemonSetOf(manifests).spec;
  return [
    ...(isWithin(spec.selector, template.metadata.labels) ? [] : [`Service ${metadata.name} selects no pod`]),
    ...spec.ports
      .filter(({ targetPort }) => !hasPort(template.spec.containers, targetPort))
      .map(({ targetPort }) => `no port ${targetPort} of a container`),
  ];
}

function ofPolicy({ spec, metadata }: NetworkPolicy, manifests: readonly Manifest[]): string[] {
  const { template } = daemonSetOf(manifests).spec;
  const ports = (spec.ingress ?? []).flatMap((rule) => rule.ports ?? []);
  return [
    ...(isWithin(spec.podSelector.matchLabels ?? {}, template.metadata.labels)
      ? []
      : [`NetworkPolicy ${metadata.name} selects no pod`]),
    ...ports
      .filter(({ port }) => !hasPort(template.spec.containers, port))
      .map(({ port }) => `no port ${port} of a container, for NetworkPolicy ${metadata.name}`),
  ];
}

function hasPort(containers: readonly Container[], wanted: string | number): boolean {
  return containers.some(({ ports = [] }) => ports.some((port) => [port.name, port.containerPort].includes(wanted)));
}

function ofMonitor({ spec }: ServiceMonitor, manifests: readonly Manifest[]): string[] {
  const selected = manifests
    .filter(isOf<Service>("Service"))
    .filter(({ metadata }) => isWithin(spec.selector.matchLabels, metadata.labels ?? {}));
  if (selected.length === 0) return ["the ServiceMonitor selects no Service"];
  return spec.endpoints
    .filter(({ port }) => !selected.every((service) => service.spec.ports.some(({ name }) => name === port)))
    .map(({ port }) => `no port ${port} of a Service`);
}

function ofBinding({ roleRef, subjects }: Binding, manifests: readonly Manifest[]): string[] {
  return [
    ...(has(manifests, roleRef.kind, roleRef.name) ? [] : [`no ${roleRef.kind} ${roleRef.name}`]),
    ...subjects
      .filter(({ kind, name, namespace }) => !has(manifests, kind, name, namespace))
      .map(({ kind, name, namespace }) => `no ${kind} ${name} in ${namespace}`),
  ];
}

function isOf<Kind extends Manifest>(kind: string): (manifest: Manifest) => manifest is Kind {
  return (manifest): manifest is Kind => manifest.kind === kind;
}

function has(manifests: readonly Manifest[], kind: string, name: string, namespace?: string): boolean {
  return manifests.some(
    (one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace,
  );
}

/** An empty selector of a Service selects nothing. */
function isWithin(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([name, value]) => labels[name] === value);
}

function findTwice(values: readonly string[]): string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
