// Owns the definition of every operation on this side; addon/plan/ops.def is the other, and a test holds them together.
// Fields: U number, S string, L strings, N numbers, B bytes. Stage says which process executes it.

export type FieldKind = 'U' | 'S' | 'L' | 'N' | 'B';
export type Stage = 'parent' | 'init';

/**
 * What every bind says after its source; set and clear are MOUNT_ATTR_* words, the recursive ones for the whole tree. What is in
 * `drop` is cleared as well, but stays where the kernel has locked it.
 */
const BIND_FIELDS = {
  target: 'S',
  msFlags: 'U',
  set: 'U',
  clear: 'U',
  drop: 'U',
  recursiveSet: 'U',
  recursiveClear: 'U',
  propagation: 'N',
} as const;

export const OP_TABLE = {
  /** setns(2) into the namespace at `path`, which must be of type `flag` (CLONE_NEW*). */
  joinNamespace: { code: 1, stage: 'parent', fields: { flag: 'U', path: 'S' } },
  /** Opens a pid namespace for procfs mounts and enterPidNamespace, before a joined mount namespace hides its path. */
  openPidNamespace: { code: 61, stage: 'parent', fields: { path: 'S' } },
  /**
   * init is born with these new namespaces, clone3(2), and waits for releaseInit. In a plan without releaseInit the helper itself
   * is init: whoever launches it gives birth to it with these.
   */
  spawnInit: { code: 2, stage: 'parent', fields: { cloneFlags: 'U' } },
  /** Opens the cgroup directory `path` for joinCgroup while the host's mounts are there; on v2 init is born in it. */
  openCgroup: { code: 3, stage: 'parent', fields: { path: 'S', slot: 'U', isV2: 'U' } },
  /** Writes init's id maps, user_namespaces(7); `setgroups` is '', 'allow' or 'deny'. */
  writeIdMaps: { code: 4, stage: 'parent', fields: { uidMap: 'S', gidMap: 'S', setgroups: 'S' } },
  setOomScoreAdj: { code: 5, stage: 'parent', fields: { value: 'S' } },
  /** The same by init itself, where nobody else is its parent. */
  setOwnOomScoreAdj: { code: 71, stage: 'init', fields: { value: 'S' } },
  setRlimit: { code: 6, stage: 'parent', fields: { resource: 'U', soft: 'U', hard: 'U' } },
  releaseInit: { code: 7, stage: 'parent', fields: {} },

  /** setns(2) into the namespaces `flags` of the process whose pidfd is in `slot`. */
  joinProcess: { code: 8, stage: 'parent', fields: { slot: 'U', flags: 'U' } },
  /** Opens a user namespace before a joined mount namespace hides its path; entered once the other namespaces are joined. */
  openUserNamespace: { code: 72, stage: 'parent', fields: { path: 'S' } },
  enterUserNamespace: { code: 73, stage: 'parent', fields: {} },
  /**
   * A process with the host's credentials that is to open these paths for init, in the order in which init's operations take them
   * (addon/init/sources.h): the root of a user namespace may not enter every directory on the way.
   */
  prepareSources: { code: 74, stage: 'parent', fields: { sources: 'L' } },
  /** Lets that process do so, in init's mount namespace. */
  openSources: { code: 75, stage: 'parent', fields: {} },
  /** Moves init itself into the cgroup that openCgroup has opened in `slot`; 0xffffffff: into the one at `path`. */
  joinCgroup: { code: 9, stage: 'init', fields: { path: 'S', slot: 'U' } },
  /**
   * The cgroup namespace of the process whose pidfd is in `slot`: after joinCgroup, because from within one v2 lets nobody in
   * who comes from outside (mount option nsdelegate).
   */
  enterCgroupNamespace: { code: 67, stage: 'init', fields: { slot: 'U' } },
  /**
   * Children are born in the pid namespace of the process whose pidfd is in `slot`; 0xffffffff: in the one that openPidNamespace has
   * opened. While there are the capabilities that it needs.
   */
  setChildPidNamespace: { code: 80, stage: 'init', fields: { slot: 'U' } },
  /** Every CPU that the cgroup has: what the caller was confined to is not the container's. After joinCgroup. */
  resetCpuAffinity: { code: 77, stage: 'init', fields: {} },
  /** A child takes over as init in that namespace: once there is nothing that its members could gain by tracing it. */
  enterPidNamespace: { code: 63, stage: 'init', fields: {} },
  /** The terminal on standard input becomes that of the session. */
  takeTerminal: { code: 82, stage: 'init', fields: {} },
  /** In a joined mount namespace: takes a procfs of our own for every later access, instead of the host's. */
  openPrivateProc: { code: 10, stage: 'init', fields: {} },
  /** Takes uid and gid 0 of a new user namespace. */
  becomeRoot: { code: 11, stage: 'init', fields: {} },
  startSession: { code: 12, stage: 'init', fields: {} },
  unshare: { code: 13, stage: 'init', fields: { flags: 'U' } },
  /** The session keyring of that name, which is made where there is none. */
  joinKeyring: { code: 14, stage: 'init', fields: { name: 'S' } },
  makeRootSlave: { code: 15, stage: 'init', fields: { flags: 'U' } },
  makeParentPrivate: { code: 16, stage: 'init', fields: { path: 'S' } },
  bindRootfs: { code: 17, stage: 'init', fields: { path: 'S' } },
  /** Without a mount namespace of its own: what is mounted in the rootfs shows nowhere else. */
  makeRootfsPrivate: { code: 68, stage: 'init', fields: { path: 'S' } },
  /**
   * Mounts a new filesystem. isStrict refuses symbolic links on the way; copyUp fills it with what it covers; isKept keeps a
   * descriptor for a later setMountAttributes.
   */
  mountFs: {
    code: 18,
    stage: 'init',
    fields: {
      source: 'S',
      target: 'S',
      type: 'S',
      msFlags: 'U',
      attributes: 'U',
      data: 'L',
      propagation: 'N',
      isStrict: 'U',
      copyUp: 'U',
      isKept: 'U',
    },
  },
  /** Binds a path of the host; set and clear are MOUNT_ATTR_* words, the recursive ones for the whole tree. */
  bindMount: {
    code: 19,
    stage: 'init',
    fields: {
      source: 'S',
      ...BIND_FIELDS,
    },
  },
  /** bindMount of the container's own cgroup. */
  bindCgroup: {
    code: 20,
    stage: 'init',
    fields: {
      source: 'S',
      ...BIND_FIELDS,
    },
  },
  /** bindMount of a copy that openTree has made of `source`, in `slot`: for a process that no longer sees the host. */
  attachMount: {
    code: 64,
    stage: 'init',
    fields: {
      source: 'S',
      slot: 'U',
      ...BIND_FIELDS,
    },
  },
  /** Takes away what is mounted on `target`, umount2(2) with MNT_DETACH. */
  detachMount: { code: 65, stage: 'init', fields: { target: 'S' } },
  /** Ends init with status 0: a plan that runs no program. */
  finish: { code: 66, stage: 'init', fields: {} },
  remount: { code: 21, stage: 'init', fields: { target: 'S', msFlags: 'U', data: 'S', propagation: 'N' } },
  setMountAttributes: { code: 22, stage: 'init', fields: { target: 'S', set: 'U', clear: 'U' } },
  makeDevice: {
    code: 23,
    stage: 'init',
    fields: { path: 'S', mode: 'U', major: 'U', minor: 'U', uid: 'U', gid: 'U' },
  },
  bindDevice: { code: 24, stage: 'init', fields: { source: 'S', path: 'S' } },
  makeSymlink: { code: 25, stage: 'init', fields: { target: 'S', path: 'S', replace: 'U' } },
  makeDirectory: { code: 26, stage: 'init', fields: { path: 'S', mode: 'U' } },
  /** Tells the planner that `point` is reached, and waits for its word. */
  await: { code: 27, stage: 'init', fields: { point: 'U' } },
  pivotRoot: { code: 28, stage: 'init', fields: {} },
  /** Without pivot_root(2): chroot(2) into the rootfs. `cover`: where the old root, which stays, has a whole procfs or sysfs. */
  moveRoot: { code: 29, stage: 'init', fields: { cover: 'L' } },
  /** Without a mount namespace of its own: chroot(2) into the rootfs. */
  changeRoot: { code: 69, stage: 'init', fields: {} },
  /** Takes the directory in `slot` as the rootfs. */
  takeRoot: { code: 70, stage: 'init', fields: { slot: 'U' } },
  setRootPropagation: { code: 30, stage: 'init', fields: { flags: 'U' } },
  makeRootReadonly: { code: 31, stage: 'init', fields: {} },
  makeConsole: { code: 32, stage: 'init', fields: { height: 'U', width: 'U', bind: 'U', crlf: 'U' } },
  reopenNull: { code: 33, stage: 'init', fields: {} },
  setHostname: { code: 34, stage: 'init', fields: { name: 'S' } },
  setDomainname: { code: 35, stage: 'init', fields: { name: 'S' } },
  /** Writes below /proc; `path` is relative to it ("sys/net/ipv4/ip_forward"). */
  writeSysctl: { code: 36, stage: 'init', fields: { path: 'S', value: 'S' } },
  readonlyPath: { code: 37, stage: 'init', fields: { path: 'S' } },
  maskPath: { code: 38, stage: 'init', fields: { path: 'S' } },
  setNoNewPrivileges: { code: 39, stage: 'init', fields: {} },
  /** Capability words: bit N is capability number N, capabilities(7). */
  dropBounding: { code: 40, stage: 'init', fields: { keep: 'U' } },
  setGroups: { code: 41, stage: 'init', fields: { gids: 'N' } },
  setUser: { code: 42, stage: 'init', fields: { uid: 'U', gid: 'U' } },
  setCapabilities: { code: 43, stage: 'init', fields: { effective: 'U', permitted: 'U', inheritable: 'U' } },
  setAmbient: { code: 44, stage: 'init', fields: { mask: 'U' } },
  setUmask: { code: 45, stage: 'init', fields: { mask: 'U' } },
  ownStdio: { code: 46, stage: 'init', fields: { uid: 'U' } },
  setCwd: { code: 47, stage: 'init', fields: { path: 'S', mayDefer: 'U' } },
  applySeccomp: { code: 48, stage: 'init', fields: { program: 'B', flags: 'U' } },
  checkExecutable: { code: 49, stage: 'init', fields: { file: 'S', search: 'L' } },
  setHome: { code: 50, stage: 'init', fields: { uid: 'U' } },
  /** Takes the root of a joined mount namespace as the rootfs. */
  openRoot: { code: 52, stage: 'init', fields: {} },
  /** Waits for a connection to the listening socket in `slot`, and then as await(start) on that connection. */
  awaitGate: { code: 53, stage: 'init', fields: { slot: 'U' } },
  /**
   * A hook of the container namespaces; the pid as init sees it comes between the two parts of the state. Seconds; 0 is no limit.
   * `from` says what the hook takes over besides (HOOK_FROM). The filter is the hook's alone; empty: it has that of init.
   */
  runHook: {
    code: 54,
    stage: 'init',
    fields: {
      path: 'S',
      args: 'L',
      env: 'L',
      stateHead: 'S',
      stateTail: 'S',
      timeout: 'U',
      name: 'S',
      from: 'U',
      filter: 'B',
      filterFlags: 'U',
    },
  },
  /** Writes the label for the next execve below /proc; `path` is relative to it. */
  setExecLabel: { code: 55, stage: 'init', fields: { path: 'S', label: 'S' } },
  setPersonality: { code: 56, stage: 'init', fields: { persona: 'U' } },
  /** sched_setattr(2). */
  /** setRlimit by init itself. */
  limitSelf: { code: 60, stage: 'init', fields: { resource: 'U', soft: 'U', hard: 'U' } },
  setScheduler: {
    code: 57,
    stage: 'init',
    fields: { policy: 'U', flags: 'U', nice: 'U', priority: 'U', runtime: 'U', deadline: 'U', period: 'U' },
  },
  /** ioprio_set(2) for the process group. */
  setIoPriority: { code: 58, stage: 'init', fields: { value: 'U' } },
  /** Finds the program. */
  prepareExec: { code: 59, stage: 'init', fields: { file: 'S', search: 'L' } },
  /** Closes every descriptor of ours but the socket, and the one in the slot `keep`; 0xffffffff: none. */
  closeDescriptors: { code: 81, stage: 'init', fields: { keep: 'U' } },
  exec: { code: 51, stage: 'init', fields: { file: 'S', args: 'L', env: 'L' } },
  /** The interface `lo` of a new network namespace. */
  bringLoopbackUp: { code: 76, stage: 'init', fields: {} },
} as const satisfies Record<string, { code: number; stage: Stage; fields: Record<string, FieldKind> }>;
