// The operations of stage "parent": namespaces to join, the birth of init, and what must be done to it from outside.
#include <linux/prctl.h>

#include "execute.h"
#include "join.h"
#include "mount_api.h"
#include "proc.h"

namespace tsrunc::init {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

constexpr unsigned long kChildSignal = 17;  // SIGCHLD

// Opens a path of the host that the configuration names; a failure names it.
Outcome OpenNamed(Context& context, const char* path, int flags) {
  Outcome opened = sys::OpenAt(AT_FDCWD, path, flags | O_CLOEXEC);
  if (!opened.ok()) context.detail.Add(path);
  return opened;
}

// Whether the namespace belongs to that user namespace, ioctl_nsfs(2).
bool IsOwnedBy(int ns, int user_namespace) {
  constexpr unsigned long kGetOwner = 0xb701;  // NS_GET_USERNS
  Outcome opened = sys::Ioctl(ns, kGetOwner, 0);
  UniqueFd owner(opened.value);
  struct statx a, b;
  return opened.ok() && sys::Statx(owner.get(), "", AT_EMPTY_PATH, STATX_INO, &a).ok() &&
         sys::Statx(user_namespace, "", AT_EMPTY_PATH, STATX_INO, &b).ok() && a.stx_ino == b.stx_ino;
}

Outcome WriteProc(Context& context, const char* name, const char* text) {
  sys::Text<64> path;
  path.AddNumber(static_cast<uint64_t>(context.child)).Add("/").Add(name);
  Outcome opened = OpenInProc(context, path.c_str());
  if (opened.ok()) {
    UniqueFd file(opened.value);
    opened = sys::Write(file.get(), text, sys::Length(text));
  }
  if (!opened.ok()) context.detail.Add("/proc/").Add(path.c_str());
  return opened;
}

}  // namespace

// Late joining needs a procfs of a namespace that we are not in: mount option pidns, Linux 6.17. Without it the
// namespace is joined here and now, as other runtimes do; its members could then trace init while that still has the
// host's root.
Outcome Execute(Context& context, const plan::openPidNamespace_op& op) {
  Outcome opened = OpenNamed(context, op.path, 0);
  if (!opened.ok()) return opened;
  UniqueFd ns(opened.value);
  Outcome proc = HasMountApi() ? sys::FsOpen("proc", FSOPEN_CLOEXEC) : sys::Fail(ENOSYS);
  UniqueFd probe(proc.value);
  // A container's root can enter only what belongs to its user namespace: the pid namespace of a pod may be the host's.
  bool is_in_reach = !context.user_namespace.valid() || IsOwnedBy(ns.get(), context.user_namespace.get());
  bool can_wait =
      is_in_reach && proc.ok() && sys::FsConfig(probe.get(), FSCONFIG_SET_FD, "pidns", nullptr, ns.get()).ok();
  if (!can_wait) return sys::Setns(ns.get(), CLONE_NEWPID);
  context.pid_namespace = static_cast<UniqueFd&&>(ns);
  return Ok();
}

Outcome Execute(Context& context, const plan::joinNamespace_op& op) {
  Outcome opened = OpenNamed(context, op.path, 0);
  if (!opened.ok()) return opened;
  UniqueFd ns(opened.value);
  // The type is given so that a path of another type is refused (EINVAL), as the specification demands.
  return sys::Setns(ns.get(), static_cast<int>(op.flag));
}

// Opened while its path means what the configuration means; entered last, because the rights to the others may be ours
// alone: a network of the host's does not belong to that user namespace.
Outcome Execute(Context& context, const plan::openUserNamespace_op& op) {
  Outcome opened = OpenNamed(context, op.path, 0);
  if (opened.ok()) context.user_namespace.reset(static_cast<int>(opened.value));
  return opened;
}

Outcome Execute(Context& context, const plan::enterUserNamespace_op&) {
  return sys::Setns(context.user_namespace.get(), CLONE_NEWUSER);
}

Outcome Execute(Context& context, const plan::openCgroup_op& op) {
  if (op.slot >= kMaxCgroups) return sys::Fail(EBADMSG);
  Outcome opened = OpenNamed(context, op.path, O_PATH | O_DIRECTORY);
  if (!opened.ok()) return opened;
  context.cgroups[op.slot].reset(static_cast<int>(opened.value));
  context.born_in_cgroup = op.isV2 != 0;
  return Ok();
}

// By descriptor, so that no reused pid can be meant.
Outcome Execute(Context& context, const plan::joinProcess_op& op) {
  return JoinNamespaces(context, context.Slot(op.slot), op.flags);
}

namespace {

// CLONE_PARENT: init is the child of whoever launched us, so that no process of ours stays between them. It takes over
// our own exit signal, for which clone3(2) wants a zero and clone(2) something.
// clone3 (Linux 5.3) only for what clone(2) has no bit for: a cgroup of v2 to be born in, a time namespace.
Outcome BirthInit(Context& context, uint64_t clone_flags) {
  struct clone_args args = {};
  args.flags = clone_flags | CLONE_PARENT;
  if (context.born_in_cgroup) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(context.cgroups[0].get());
    Outcome cloned = sys::Clone3(&args);
    if (cloned.ok()) return cloned;
    context.born_in_cgroup = false;  // before Linux 5.7, or a cgroup that only takes processes one by one
    args.flags &= ~uint64_t{CLONE_INTO_CGROUP};
    args.cgroup = 0;
  }
  constexpr uint64_t kSignalBits = 0xff;  // of clone(2): CLONE_NEWTIME is among them
  if ((args.flags & kSignalBits) != 0) return sys::Clone3(&args);
  return sys::Clone(args.flags | kChildSignal);
}

}  // namespace

Outcome Execute(Context& context, const plan::spawnInit_op& op) {
  int pipe[2];
  TSRUNC_TRY(sys::Pipe2(pipe, O_CLOEXEC));
  UniqueFd reader(pipe[0]), writer(pipe[1]);
  Outcome cloned = BirthInit(context, op.cloneFlags);
  if (!cloned.ok()) return cloned;
  if (cloned.value != 0) {
    context.child = context.sources.init = static_cast<int>(cloned.value);
    context.release = static_cast<UniqueFd&&>(writer);
    Tell(context, Message::kPid, cloned.value);
    return Ok();
  }
  (void)sys::Prctl(PR_SET_NAME, reinterpret_cast<unsigned long>("tsrunc:[init]"));
  // A planner that is killed takes us along even where we wait for the image (a file that never ends); cleared at the
  // start.
  (void)sys::Prctl(PR_SET_PDEATHSIG, 9 /* SIGKILL */);
  context.stage = plan::Stage::kInit;
  writer.reset();
  char released;
  Outcome read = sys::Read(reader.get(), &released, 1);
  if (!read.ok() || read.value == 0) sys::Exit(1);  // parent has failed and told why
  reader.reset();
  RunStage(context);
  Die(context, sys::Fail(EBADMSG));  // a plan ends with exec, which does not come back
}

Outcome Execute(Context& context, const plan::writeIdMaps_op& op) {
  if (*op.setgroups != '\0') TSRUNC_TRY(WriteProc(context, "setgroups", op.setgroups));
  TSRUNC_TRY(WriteProc(context, "gid_map", op.gidMap));
  return WriteProc(context, "uid_map", op.uidMap);
}

Outcome Execute(Context& context, const plan::setOomScoreAdj_op& op) {
  return WriteProc(context, "oom_score_adj", op.value);
}

Outcome Execute(Context& context, const plan::setRlimit_op& op) {
  uint64_t limits[2] = {op.soft, op.hard};
  return sys::Prlimit64(context.child, static_cast<int>(op.resource), limits);
}

Outcome Execute(Context& context, const plan::releaseInit_op&) {
  Outcome written = sys::Write(context.release.get(), "", 1);
  context.child = -1;  // from here on init answers for itself
  return written;
}

}  // namespace tsrunc::init
