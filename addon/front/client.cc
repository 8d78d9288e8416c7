// Asking a planner; see client.h.
#include "client.h"

#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/un.h>

#include "../launch/launch.h"
#include "../supervise/supervise.h"
#include "../sys/message.h"
#include "node.h"
#include "protocol.h"

#ifndef TSRUNC_VERSION
#error "TSRUNC_VERSION: that of package.json"
#endif

namespace tsrunc::front {
namespace {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

constexpr int kUnix = 1;        // AF_UNIX
constexpr int kSeqPacket = 5;   // SOCK_SEQPACKET
constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD
constexpr int kPeerCred = 17;   // SO_PEERCRED
constexpr unsigned kMaxPreserved = 1024;

// The message that is being read or made: one at a time. Only what is used of it becomes resident.
struct {
  Head head;
  char data[kMessageMax];
} g_message;

// --- the way to the planner --------------------------------------------------------------------------------------

// TSRUNC_PLANNER, or the place where a planner of this user listens by default; empty: none is wanted.
Path SocketPath(char** envp) {
  Path path;
  const char* given = Variable(envp, "TSRUNC_PLANNER=");
  if (sys::Equal(given, "off")) return path;
  if (*given != '\0') path.Add(given);
  else if (sys::Raw(__NR_geteuid) == 0) path.Add("/run/tsrunc-planner.sock");
  else if (const char* directory = Variable(envp, "XDG_RUNTIME_DIR="); *directory != '\0')
    path.Add(directory).Add("/tsrunc-planner.sock");
  return path;
}

// Whether the process is in the same namespace as we are.
bool IsSharing(uint64_t pid, const char* kind) {
  struct statx ours, theirs;
  Path path, own;
  path.Add("/proc/").AddNumber(pid).Add("/ns/").Add(kind);
  own.Add("/proc/self/ns/").Add(kind);
  return sys::Statx(AT_FDCWD, own.c_str(), 0, STATX_INO, &ours).ok() &&
         sys::Statx(AT_FDCWD, path.c_str(), 0, STATX_INO, &theirs).ok() && ours.stx_ino == theirs.stx_ino;
}

// Whether the process that called listen(2) still lives; before Linux 6.5 there is no pidfd of it to ask.
bool IsStillThere(int socket) {
  int pidfd = -1;
  unsigned size = sizeof(pidfd);
  long asked = sys::Raw(__NR_getsockopt, socket, sys::kSolSocket, kPeerPidfd, sys::Arg(&pidfd), sys::Arg(&size));
  if (asked == -ENOPROTOOPT) return true;
  UniqueFd owned(asked == 0 ? pidfd : -1);
  return owned.valid() && sys::PidfdSendSignal(owned.get(), 0).ok();
}

// Who listens must be this user, and outside of every container: a plan is carried out as it comes, and who can write
// to the socket's directory could listen there. (systemd listens for a planner that is not there yet.)
bool IsTrusted(int socket) {
  struct {
    int pid;
    unsigned uid, gid;
  } peer = {};
  unsigned size = sizeof(peer);
  long asked = sys::Raw(__NR_getsockopt, socket, sys::kSolSocket, kPeerCred, sys::Arg(&peer), sys::Arg(&size));
  if (asked != 0 || peer.pid <= 0 || peer.uid != static_cast<unsigned>(sys::Raw(__NR_geteuid))) return false;
  auto pid = static_cast<uint64_t>(peer.pid);
  return IsSharing(pid, "mnt") && IsSharing(pid, "user") && IsSharing(pid, "pid") && IsStillThere(socket);
}

UniqueFd ConnectToPlanner(char** envp) {
  Path path = SocketPath(envp);
  struct sockaddr_un address = {};
  address.sun_family = kUnix;
  if (path.size() == 0 || path.size() >= sizeof(address.sun_path)) return UniqueFd();
  for (size_t i = 0; i < path.size(); i++) address.sun_path[i] = path.c_str()[i];
  Outcome opened = sys::Socket(kUnix, kSeqPacket | O_CLOEXEC);
  if (!opened.ok()) return UniqueFd();
  UniqueFd socket(opened.value);
  bool is_there = sys::Connect(socket.get(), &address, sizeof(address)).ok() && IsTrusted(socket.get());
  return is_there ? static_cast<UniqueFd&&>(socket) : UniqueFd();
}

// --- the request -------------------------------------------------------------------------------------------------

// Strings, one after the other, each with its zero byte.
class Strings {
 public:
  void Add(const char* text) {
    size_t size = sys::Length(text) + 1;
    if (size > kMessageMax - size_) {
      fits_ = false;
      return;
    }
    __builtin_memcpy(g_message.data + size_, text, size);
    size_ += size;
  }
  bool fits() const { return fits_; }
  size_t size() const { return size_; }

 private:
  size_t size_ = 0;
  bool fits_ = true;
};

// What planning needs of the environment; the container gets nothing of it.
bool IsNeeded(const char* variable) {
  static const char* const needed[] = {
      "XDG_RUNTIME_DIR=", "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=", "TSRUNC_TRACE="};
  for (const char* name : needed)
    if (sys::StartsWith(variable, name)) return true;
  return false;
}

// False when it cannot be sent: too long, or from a directory without a name.
bool SendRequest(int planner, const Command& command) {
  char directory[4096];
  if (!sys::Getcwd(directory, sizeof(directory)).ok() || directory[0] != '/') return false;
  unsigned umask = static_cast<unsigned>(sys::Umask(077).value);
  (void)sys::Umask(umask);
  Strings strings;
  strings.Add(TSRUNC_VERSION);
  strings.Add(directory);
  for (int i = 1; i < command.argc; i++) strings.Add(command.argv[i]);
  for (char** variable = command.envp; *variable != nullptr; variable++)
    if (IsNeeded(*variable)) strings.Add(*variable);
  strings.Add(command.open_descriptors);
  if (!strings.fits()) return false;
  g_message.head = {kRequest, umask, static_cast<uint32_t>(command.argc - 1), kProtocol};
  return sys::SendMessage(planner, &g_message, sizeof(Head) + strings.size()).ok();
}

// A planner would wait for itself, where systemd listens for it already. (A program of that name in a container goes by
// Node, too.)
bool IsPlanner(const Command& command) {
  for (int i = 1; i < command.argc; i++)
    if (sys::Equal(command.argv[i], "planner")) return true;
  return false;
}

// A connection with the request on its way; none where there is nobody to ask.
UniqueFd Request(const Command& command) {
  if (IsPlanner(command)) return UniqueFd();
  UniqueFd planner = ConnectToPlanner(command.envp);
  if (planner.valid() && !SendRequest(planner.get(), command)) planner.reset();
  return planner;
}

// --- what the planner asks for -----------------------------------------------------------------------------------

// The descriptors of one message; those that nobody takes are closed.
class Received {
 public:
  ~Received() {
    for (unsigned i = 0; i < count; i++) (void)sys::Raw(__NR_close, control.descriptors[i]);
  }
  sys::ControlMessage control = {};
  unsigned count = 0;
};

// The container that is lost with the planner, and what the front knows of the command.
struct Owned {
  bool is_any = false;
  int globals = 0;  // so many of the arguments come before the command
  sys::Text<1100> id;
  sys::Text<64> created;
};

// The next of zero-terminated strings.
const char* After(const char* text) { return text + sys::Length(text) + 1; }

void TakeOwned(Owned* owned) {
  *owned = {};
  owned->is_any = true;
  owned->globals = static_cast<int>(g_message.head.a);
  owned->id.Add(g_message.data);
  owned->created.Add(After(g_message.data));
}

// False when it cannot be written: then the command has failed, whatever the planner says.
bool WriteAll(int stream, const char* data, size_t size) {
  while (size > 0) {
    Outcome written = sys::Write(stream, data, size);
    if (written.err() == EAGAIN) {
      pollfd waiting = {stream, POLLOUT, 0};
      (void)sys::Poll(&waiting, 1, -1);
      continue;
    }
    if (!written.ok()) return false;
    data += written.value;
    size -= static_cast<size_t>(written.value);
  }
  return true;
}

void Reply(int planner, Message kind, uint32_t a, uint32_t b = 0, uint32_t c = 0) {
  Head head = {kind, a, b, c};
  (void)sys::SendMessage(planner, &head, sizeof(head));  // a planner that is gone is noticed when nothing comes
}

// As vfork(2): this process stands still until the child has become the helper, or has ended; but into new namespaces.
__attribute__((noinline)) long LaunchChild(launch::Launch* launch) {
  unsigned long flags = CLONE_VM | CLONE_VFORK | SIGCHLD | launch->flags;
  long pid = sys::Raw(__NR_clone, static_cast<long>(flags), 0, 0, 0, 0);
  if (pid == 0) {
    (void)launch::BecomeHelper(launch);
    sys::Exit(127);
  }
  return pid;
}

void LaunchHelper(int planner, Received* received, size_t size) {
  if ((g_message.head.a & kSubreaper) != 0) (void)sys::Prctl(PR_SET_CHILD_SUBREAPER, 1);
  if ((g_message.head.a & kHoldSignals) != 0) (void)supervise::HoldSignals();
  launch::Launch launch;
  launch.is_init = (g_message.head.a & kIsInit) != 0;
  launch.flags = launch.is_init ? g_message.head.b : 0;
  launch.preserved = reinterpret_cast<const int*>(g_message.data);
  launch.preserved_count = static_cast<int>(size / sizeof(int));
  if (received->count < 3 || launch.preserved_count > static_cast<int>(kMaxPreserved))
    return Reply(planner, kLaunched, 0, EBADMSG, static_cast<uint32_t>(sys::Call::k_recvmsg));
  launch.helper = received->control.descriptors[0];
  int ours[sys::kMaxDescriptors];
  launch.ours = ours;
  for (unsigned i = 1; i < received->count; i++) ours[launch.ours_count++] = received->control.descriptors[i];
  uint64_t all = ~uint64_t{0}, before = 0;  // no handler of ours may run in the child while it shares our memory
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&all), sys::Arg(&before), 8);
  long pid = LaunchChild(&launch);
  (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&before), 0, 8);
  int err = pid < 0 ? static_cast<int>(-pid) : launch.failed;
  auto call = static_cast<uint32_t>(pid < 0 ? sys::Call::k_clone3 : sys::Call::k_execve);
  // A parent ends once it has cloned init, which is then a child of ours, or has failed and told why.
  int status;
  if (pid > 0 && (err != 0 || !launch.is_init)) (void)sys::Wait4(static_cast<int>(pid), &status, 0);
  Reply(planner, kLaunched, static_cast<uint32_t>(pid), static_cast<uint32_t>(err), call);
}

void WaitForChild(int planner, int pid) {
  int status = 0;
  Outcome waited = sys::Wait4(pid, &status, 0);
  Reply(planner, kWaited, static_cast<uint32_t>(status), static_cast<uint32_t>(waited.err()));
}

// What a planner that is lost in the middle means.
enum class OnLoss { kTell, kLeave };
Answer Serve(const Command& command, UniqueFd planner, OnLoss on_loss);

// --- the end -----------------------------------------------------------------------------------------------------

Answer Exit(int status) { return {true, status}; }

// Node in a child, for the end of a container without a planner.
void RunNode(const Command& command) {
  struct clone_args args = {};
  args.exit_signal = SIGCHLD;
  Outcome cloned = sys::Clone3(&args);
  if (cloned.ok() && cloned.value == 0) sys::Exit(BecomeNode(command));
  int status;
  if (cloned.ok()) (void)sys::Wait4(static_cast<int>(cloned.value), &status, 0);
}

// "finish ID TIME" with the global options of the command.
void Finish(const Command& command, const Owned& owned) {
  constexpr int kMaxGlobals = 64;
  const char* argv[kMaxGlobals + 8];
  int argc = 0;
  for (; argc <= owned.globals && argc < command.argc && argc < kMaxGlobals; argc++) argv[argc] = command.argv[argc];
  argv[argc++] = "finish";
  argv[argc++] = owned.id.c_str();
  argv[argc++] = owned.created.c_str();
  argv[argc] = nullptr;
  Command finish = {argc, argv, command.envp, command.open_descriptors};
  // It may be done twice: a planner that is lost on the way is no other matter than none.
  UniqueFd planner = Request(finish);
  if (!planner.valid() || !Serve(finish, static_cast<UniqueFd&&>(planner), OnLoss::kLeave).is_done) RunNode(finish);
}

Answer Lost(const Command& command, const Owned& owned, OnLoss on_loss) {
  if (on_loss == OnLoss::kLeave) return {false, 0};
  Say("tsrunc: the planner ended before the command was done");
  Say(owned.is_any ? "; the container is removed\n" : "\n");
  if (owned.is_any) Finish(command, owned);
  return Exit(1);
}

bool RemoveLocked(int directory, const char* list) {
  for (; *list != '\0'; list = After(list)) {
    Outcome removed = sys::UnlinkAt(AT_FDCWD, list, AT_REMOVEDIR);
    if (!removed.ok() && removed.err() != ENOENT) return false;  // EBUSY: something still runs in it
  }
  const char* path = After(list);
  for (list = After(path); *list != '\0'; list = After(list))
    if (!sys::UnlinkAt(directory, list, 0).ok()) return false;
  return sys::UnlinkAt(AT_FDCWD, path, AT_REMOVEDIR).ok();
}

// The removal of protocol.h. False when something is in the way. A directory without links has been removed already,
// and its name may be another container's.
bool Remove(int directory, const char* list) {
  (void)sys::Raw(__NR_flock, directory, 2 /* LOCK_EX */);
  struct statx found;
  bool is_there = sys::Statx(directory, "", AT_EMPTY_PATH, STATX_NLINK, &found).ok() && found.stx_nlink != 0;
  bool is_done = !is_there || RemoveLocked(directory, list);
  (void)sys::Raw(__NR_flock, directory, 8 /* LOCK_UN */);  // what is left is for another process
  return is_done;
}

supervise::Notify NotifyOf(const Received& received, unsigned at) {
  supervise::Notify notify;
  notify.socket = at < received.count ? received.control.descriptors[at] : -1;
  notify.host = g_message.data;
  return notify;
}

Answer Supervise(const Command& command, const Owned& owned, UniqueFd* planner, const Received& received) {
  const uint32_t has = g_message.head.b;
  supervise::Options options;
  options.pid = static_cast<int>(g_message.head.a);
  unsigned next = 0;
  if ((has & kHasTerminal) != 0 && next < received.count) options.terminal = received.control.descriptors[next++];
  if ((has & kHasNotify) != 0) options.notify = NotifyOf(received, next++);
  planner->reset();
  Outcome ended = supervise::Supervise(options);
  bool is_removed = (has & kHasRemoval) != 0 && next < received.count &&
                    Remove(received.control.descriptors[next], After(g_message.data));
  if ((has & kHasFinish) != 0 && !is_removed) Finish(command, owned);
  if (!ended.ok()) {
    Say("tsrunc: the wait for the container failed\n");
    return Exit(1);
  }
  int status = static_cast<int>(ended.value);
  return Exit((status & 0x7f) != 0 ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
}

Answer WaitForReady(const Received& received) {
  supervise::Notify notify = NotifyOf(received, 0);
  notify.main_pid = static_cast<int>(g_message.head.a);
  notify.has_barrier = true;
  Outcome waited =
      received.count < 2 ? Fail(EBADMSG) : supervise::WaitForReady(notify, received.control.descriptors[1]);
  if (waited.ok()) return Exit(0);
  Say("tsrunc: NOTIFY_SOCKET: the manager cannot be told\n");
  return Exit(1);
}

Answer Serve(const Command& command, UniqueFd planner, OnLoss on_loss) {
  Owned owned;
  bool is_written = true;
  for (bool is_first = true;; is_first = false) {
    Received received;
    Outcome got = sys::ReceiveMessage(planner.get(), &g_message, sizeof(g_message), &received.control, &received.count);
    // A planner that has not even read the request has done nothing of it.
    if (is_first && got.err() == ECONNRESET) return {false, 0};
    // A message that fills the buffer is not whole.
    bool is_message = got.value >= static_cast<long>(sizeof(Head)) && got.value < static_cast<long>(sizeof(g_message));
    if (!is_message) return Lost(command, owned, on_loss);
    size_t size = static_cast<size_t>(got.value) - sizeof(Head);
    g_message.data[size] = '\0';
    const Head& head = g_message.head;
    switch (head.kind) {
      case kPrint: is_written = WriteAll(static_cast<int>(head.a), g_message.data, size) && is_written; break;
      case kLaunch: LaunchHelper(planner.get(), &received, size); break;
      case kWait: WaitForChild(planner.get(), static_cast<int>(head.a)); break;
      case kOwned: TakeOwned(&owned); break;
      case kSupervise: return Supervise(command, owned, &planner, received);
      case kWaitForReady: return WaitForReady(received);
      case kExit: return Exit(is_written || head.a != 0 ? static_cast<int>(head.a) : 1);
      case kDecline: return {false, 0};
      default: return Lost(command, owned, on_loss);
    }
  }
}

}  // namespace

Answer Ask(const Command& command) {
  UniqueFd planner = Request(command);
  return planner.valid() ? Serve(command, static_cast<UniqueFd&&>(planner), OnLoss::kTell) : Answer{false, 0};
}

}  // namespace tsrunc::front
