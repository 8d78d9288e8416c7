// The operations on the process itself: session, namespaces of its own, names, credentials, filters.
// Their order is the plan's; the reasons for it stand in src/plan/process.ts.
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "execute.h"
#include "join.h"
#include "proc.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
constexpr uint64_t kNoChange = 0xffffffff;  // "leave it as it is" to setresuid(2): root would stay root
constexpr unsigned kMaxFilter = 4096;       // BPF_MAXINSNS
constexpr unsigned kMaxCap = 63;
constexpr unsigned kMaxGroups = 65536;  // NGROUPS_MAX

bool HasNoSetgroups(Context& context) {
  Outcome opened = sys::OpenAt(context.proc.get(), "self/setgroups", O_RDONLY | O_CLOEXEC);
  UniqueFd file(opened.value);
  char word[8] = {};
  return opened.ok() && sys::Read(file.get(), word, sizeof(word) - 1).ok() && sys::StartsWith(word, "deny");
}
}  // namespace

// "0" is the writing thread itself. For that alone `tasks` of v1 takes no global lock, whose first taker after a pause
// waits for RCU: 10 ms and more. (v2 has no such file; there init is born in its cgroup.)
Outcome Execute(Context& context, const plan::joinCgroup_op& op) {
  constexpr uint64_t kByPath = 0xffffffff;
  if (op.slot >= kMaxCgroups && op.slot != kByPath) return Fail(EBADMSG);
  Outcome found = op.slot == kByPath ? sys::OpenAt(AT_FDCWD, op.path, O_PATH | O_DIRECTORY | O_CLOEXEC)
                                     : Ok(context.cgroups[op.slot].release());
  if (!found.ok()) return found;
  UniqueFd directory(found.value);
  if (context.born_in_cgroup) return Ok();
  Outcome opened = sys::OpenAt(directory.get(), "tasks", O_WRONLY | O_CLOEXEC);
  if (opened.err() == ENOENT) opened = sys::OpenAt(directory.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  return sys::Write(file.get(), "0", 1);
}

// The kernel remembers what a process was confined to, and confines it again in a cpuset that has more. More bits than
// there can be CPUs: it takes those that it has. Where it refuses, the affinity stays, which is no reason not to start.
Outcome Execute(Context&, const plan::resetCpuAffinity_op&) {
  unsigned char all[1024];
  for (unsigned char& byte : all) byte = 0xff;
  (void)sys::SchedSetaffinity(0, sizeof(all), all);
  return Ok();
}

Outcome Execute(Context& context, const plan::enterCgroupNamespace_op& op) {
  return JoinNamespaces(context, context.Slot(op.slot), CLONE_NEWCGROUP);
}

Outcome Execute(Context& context, const plan::setChildPidNamespace_op& op) {
  constexpr uint64_t kByPath = 0xffffffff;
  if (op.slot == kByPath && !context.pid_namespace.valid()) return Ok();  // parent had to join it early
  TSRUNC_TRY(op.slot == kByPath ? sys::Setns(context.pid_namespace.get(), CLONE_NEWPID)
                                : JoinNamespaces(context, context.Slot(op.slot), CLONE_NEWPID));
  context.pid_namespace.reset();
  context.has_child_namespace = true;
  return Ok();
}

// Who is in that namespace and may trace can do whatever we can, and see what we have open (CVE-2016-9962): so this
// comes when that is no more than the container's. A process never changes its own pid namespace, setns(2): a child
// goes on. The planner hears of the new pid and reaps the old one; the child waits until that was said, for its own
// reports to come after it. The container's filter may be in force: clone(2) is what nearly all of them allow.
Outcome Execute(Context& context, const plan::enterPidNamespace_op&) {
  if (!context.has_child_namespace) return Ok();
  context.proc.reset();  // the host's, which shows the host's processes
  int pipe[2];
  TSRUNC_TRY(sys::Pipe2(pipe, O_CLOEXEC));
  UniqueFd reader(pipe[0]), writer(pipe[1]);
  Outcome cloned = sys::Clone(CLONE_PARENT);
  if (!cloned.ok()) return cloned;
  if (cloned.value != 0) {
    Tell(context, Message::kPid, cloned.value);
    sys::Exit(0);
  }
  (void)sys::Prctl(PR_SET_PDEATHSIG, 9 /* SIGKILL */);  // not inherited
  writer.reset();
  char end;
  (void)sys::Read(reader.get(), &end, 1);  // the end of the file: the other has told, and is gone
  return sys::Setsid();                    // a session has one leader: the child starts its own
}

Outcome Execute(Context&, const plan::becomeRoot_op&) {
  TSRUNC_TRY(sys::Setresgid(0));
  TSRUNC_TRY(sys::Setresuid(0));
  // The change of user has made us dumpable again; a joined pid namespace may hold somebody who would trace us.
  return sys::Prctl(PR_SET_DUMPABLE, 0);
}

Outcome Execute(Context&, const plan::startSession_op&) { return sys::Setsid(); }

// The kernel makes it, down. Any socket can be asked, of a kernel without IPv4, too, netdevice(7).
Outcome Execute(Context&, const plan::bringLoopbackUp_op&) {
  constexpr int kUnix = 1, kDatagram = 2, kGetFlags = 0x8913, kSetFlags = 0x8914;  // SIOCGIFFLAGS, SIOCSIFFLAGS
  struct {
    char name[16];
    short flags;
    char rest[22];
  } request = {"lo", 0, {}};
  Outcome opened = sys::Socket(kUnix, kDatagram | O_CLOEXEC);
  if (!opened.ok()) return opened;
  UniqueFd socket(opened.value);
  TSRUNC_TRY(sys::Ioctl(socket.get(), kGetFlags, sys::Arg(&request)));
  request.flags |= 1;  // IFF_UP
  Outcome set = sys::Ioctl(socket.get(), kSetFlags, sys::Arg(&request));
  return set.err() == EPERM ? Ok() : set;  // without CAP_NET_ADMIN: its caller has not had it either
}
Outcome Execute(Context&, const plan::unshare_op& op) { return sys::Unshare(op.flags); }

// A session keyring of that name is joined where there is one that its owner may search, and made otherwise,
// keyctl_join_session_keyring(3). A new one may not be searched by its owner, so no later exec would find it.
Outcome Execute(Context& context, const plan::joinKeyring_op& op) {
  constexpr unsigned kPossessorAll = 0x3f000000, kUserViewReadSearchLink = 0x001b0000;
  Outcome joined = sys::KeyctlJoinSessionKeyring(op.name);
  if (joined.ok()) {
    // Refused where it is somebody else's: then that one has seen to it.
    (void)sys::KeyctlSetPermission(static_cast<int>(joined.value), kPossessorAll | kUserViewReadSearchLink);
    return Ok();
  }
  // A kernel without keys has none to protect. Any other failure would leave the container in its caller's session.
  if (joined.err() != ENOSYS && joined.err() != EOPNOTSUPP) return joined;
  Warn(context, joined);
  return Ok();
}

Outcome Execute(Context&, const plan::setHostname_op& op) { return sys::Sethostname(op.name, sys::Length(op.name)); }
Outcome Execute(Context&, const plan::setDomainname_op& op) {
  return sys::Setdomainname(op.name, sys::Length(op.name));
}
Outcome Execute(Context&, const plan::setNoNewPrivileges_op&) { return sys::Prctl(PR_SET_NO_NEW_PRIVS, 1); }

Outcome Execute(Context&, const plan::dropBounding_op& op) {
  for (unsigned cap = 0; cap <= kMaxCap; cap++) {
    if ((op.keep >> cap & 1) != 0) continue;
    Outcome dropped = sys::Prctl(PR_CAPBSET_DROP, cap);
    if (dropped.err() == EINVAL) break;  // past the last capability of this kernel
    // EPERM: without CAP_SETPCAP none can be dropped, which is no matter where it is not there.
    if (!dropped.ok() && sys::Prctl(PR_CAPBSET_READ, cap).value != 0) return dropped;
  }
  return Ok();
}

Outcome Execute(Context& context, const plan::setGroups_op& op) {
  static unsigned gids[kMaxGroups];
  if (op.gids.count > kMaxGroups) return Fail(EINVAL, sys::Call::k_setgroups);
  for (uint32_t i = 0; i < op.gids.count; i++) gids[i] = static_cast<unsigned>(op.gids.data[i]);
  Outcome set = sys::Setgroups(op.gids.count, gids);
  // Nobody has asked for groups, and a user namespace that an unprivileged process made takes none, user_namespaces(7).
  return set.err() == EPERM && op.gids.count == 0 && HasNoSetgroups(context) ? Ok() : set;
}

Outcome Execute(Context&, const plan::setUser_op& op) {
  // Without this the change from uid 0 would empty the sets that setCapabilities is about to write.
  if (op.uid >= kNoChange || op.gid >= kNoChange) return Fail(EINVAL, sys::Call::k_setresuid);
  TSRUNC_TRY(sys::Prctl(PR_SET_KEEPCAPS, 1));
  TSRUNC_TRY(sys::Setresgid(static_cast<unsigned>(op.gid)));
  TSRUNC_TRY(sys::Setresuid(static_cast<unsigned>(op.uid)));
  return sys::Prctl(PR_SET_DUMPABLE, 0);
}

Outcome Execute(Context&, const plan::setCapabilities_op& op) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  for (int half = 0; half < 2; half++) {
    data[half].effective = static_cast<uint32_t>(op.effective >> (32 * half));
    data[half].permitted = static_cast<uint32_t>(op.permitted >> (32 * half));
    data[half].inheritable = static_cast<uint32_t>(op.inheritable >> (32 * half));
  }
  return sys::Capset(&header, data);  // keepcaps goes with execve(2): no call more than must be after a filter
}

Outcome Execute(Context& context, const plan::setAmbient_op& op) {
  TSRUNC_TRY(sys::Prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
  for (unsigned cap = 0; cap <= kMaxCap; cap++) {
    if ((op.mask >> cap & 1) == 0) continue;
    Outcome raised = sys::Prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
    if (!raised.ok()) Warn(context, raised);  // "cannot be granted ... MUST be logged as a warning", config.md
  }
  return Ok();
}

// The label that execve will give; written through the procfs that is known to be real, and nowhere else.
Outcome Execute(Context& context, const plan::setExecLabel_op& op) {
  Outcome opened = OpenInProc(context, op.path);
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  return sys::Write(file.get(), op.label, sys::Length(op.label));
}

Outcome Execute(Context&, const plan::limitSelf_op& op) {
  uint64_t limits[2] = {op.soft, op.hard};
  return sys::Prlimit64(0, static_cast<int>(op.resource), limits);
}

Outcome Execute(Context& context, const plan::setOwnOomScoreAdj_op& op) {
  Outcome opened = OpenInProc(context, "self/oom_score_adj");
  if (!opened.ok()) return opened;
  UniqueFd file(opened.value);
  return sys::Write(file.get(), op.value, sys::Length(op.value));
}

Outcome Execute(Context&, const plan::setPersonality_op& op) { return sys::Personality(op.persona); }

Outcome Execute(Context&, const plan::setScheduler_op& op) {
  struct {  // struct sched_attr, sched_setattr(2), its first version
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {48,
                  static_cast<uint32_t>(op.policy),
                  op.flags,
                  static_cast<int32_t>(op.nice),
                  static_cast<uint32_t>(op.priority),
                  op.runtime,
                  op.deadline,
                  op.period};
  return sys::SchedSetattr(0, &attributes, 0);
}

Outcome Execute(Context&, const plan::setIoPriority_op& op) {
  constexpr int kProcessGroup = 2;  // IOPRIO_WHO_PGRP: all that the container will start
  return sys::IoprioSet(kProcessGroup, 0, static_cast<int>(op.value));
}

Outcome Execute(Context&, const plan::setUmask_op& op) { return sys::Umask(static_cast<unsigned>(op.mask)); }

Outcome Execute(Context& context, const plan::setCwd_op& op) {
  if (context.cwd_done) return Ok();
  Outcome changed = sys::Chdir(op.path);
  // As root first: the user may lack the right to enter. Where root lacks it (a network filesystem), the user may have
  // it.
  bool is_refused = changed.err() == EACCES || changed.err() == EPERM;
  if (is_refused && op.mayDefer != 0) return Ok();
  if (!changed.ok()) return changed;
  // A directory outside the root (reached by a leaked descriptor, CVE-2024-21626) has the name "(unreachable)/...".
  char cwd[kPathMax];
  TSRUNC_TRY(sys::Getcwd(cwd, sizeof(cwd)));
  if (cwd[0] != '/') {
    context.detail.Add("the working directory is outside the container");
    return Fail(ENOENT, sys::Call::k_getcwd);
  }
  context.cwd_done = true;
  return Ok();
}

Outcome Execute(Context&, const plan::applySeccomp_op& op) {
  if (op.program.size % 8 != 0 || op.program.size / 8 > kMaxFilter) return Fail(EINVAL, sys::Call::k_seccomp);
  struct {
    unsigned short count;
    const void* filter;
  } program = {static_cast<unsigned short>(op.program.size / 8), op.program.data};
  return sys::Seccomp(SECCOMP_SET_MODE_FILTER, static_cast<unsigned>(op.flags), &program);
}

}  // namespace tsrunc::init
