// Owns what planning must know of the host, as plain data. src/host/facts.ts reads it; tests write it by hand.

/** One cgroup hierarchy as mounted on the host. */
export interface Hierarchy {
  /** v1 controllers in the order of the mount options, `name=systemd` as such; empty for v2. */
  readonly controllers: readonly string[];
  readonly version: 1 | 2;
  readonly mountpoint: string;
  /** The cgroup of this process in it, from /proc/self/cgroup. */
  readonly ownPath: string;
}

/** Of the kernel and of the process that called: cheap, whatever is mounted. */
export interface ProcessFacts {
  readonly euid: number;
  /** Whether /proc/self/uid_map is anything but the identity. */
  readonly isInUserNamespace: boolean;
  /** The capabilities of the caller, and the highest number of one in this kernel. */
  readonly permittedCaps: bigint;
  readonly lastCap: number;
}

/** Those of the process and of the mount table, which a host may have ten thousand lines of. */
export interface Facts extends ProcessFacts {
  /** 1 also for the hybrid layout: v2 mounted beside v1, without controllers of its own. */
  readonly cgroupVersion: 1 | 2;
  readonly hierarchies: readonly Hierarchy[];
}

/** Where the container's cgroup is in one hierarchy. */
export interface CgroupPlace {
  readonly hierarchy: Hierarchy;
  /** Absolute path of the directory on the host. */
  readonly directory: string;
  /** Where systemd makes the directory. */
  readonly unit?: SystemdUnit;
}

/** A scope of systemd's. */
export interface SystemdUnit {
  readonly name: string;
  readonly slice: string;
  /** Of the user's own systemd, not the system's. */
  readonly isUser: boolean;
}
