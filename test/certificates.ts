/** Certificates of an authority of one's own, made by openssl in a folder: for servers and clients of tests. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificates {
  /** Makes NAME.key and NAME.pem, signed by itself. */
  makeAuthority(name: string): void;
  /** Makes NAME.key and NAME.pem, for localhost. */
  make(name: string, issuer: string): void;
  /** An authority `ca`, a `stranger` beside it, and a server's and a client's, both signed by `ca`. */
  makeServerAndClient(): { ca: Buffer; cert: Buffer; key: Buffer };
  /** @param file within the folder */
  read(file: string): Buffer;
}

export function openCertificates(folder: string): Certificates {
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const certificates: Certificates = {
    makeAuthority(name) {
      const own = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`];
      openssl("req", ...own, "-keyout", `${name}.key`, "-out", `${name}.pem`);
    },
    make(name, issuer) {
      const request = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`];
      openssl("req", ...request, "-subj", `/CN=${name}`);
      const signed = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial", "-extfile", "names"];
      openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, "-days", "2", ...signed);
    },
    makeServerAndClient() {
      for (const name of ["ca", "stranger"]) certificates.makeAuthority(name);
      for (const name of ["server", "client"]) certificates.make(name, "ca");
      const { read } = certificates;
      return { ca: read("ca.pem"), cert: read("server.pem"), key: read("server.key") };
    },
    read: (file) => readFileSync(join(folder, file)),
  };
  return certificates;
}
