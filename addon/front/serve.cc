// What a front does for whom it asks; see serve.h.
#include "serve.h"

#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "../launch/launch.h"
#include "../supervise/supervise.h"
#include "../sys/calls.h"
#include "../sys/message.h"
#include "../sys/stat.h"
#include "client.h"
#include "spawn.h"

namespace tsrunc::front {
namespace {

using sys::Fail;
using sys::Outcome;
using sys::UniqueFd;

// Whom this process asks.
struct Planner {
  UniqueFd connection;
  int node = 0;  // its pid, where it is Node for this command alone; 0: it is somebody else's
};

// What a planner that is lost in the middle means.
enum class OnLoss { kTell, kLeave };

Answer AskOr(const Command& command, OnLoss on_loss);

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

constexpr int kUnsent = 0x5411;        // SIOCOUTQ: what we have sent and the other side has not read
constexpr int kStderrPatience = 1000;  // milliseconds

// False when it cannot be written. Standard error is for words beside the work: a full one holds nothing up for long.
bool WriteAll(int stream, const char* data, size_t size) {
  while (size > 0) {
    Outcome written = sys::Write(stream, data, size);
    if (written.err() == EAGAIN) {
      pollfd waiting = {stream, POLLOUT, 0};
      if (sys::Poll(&waiting, 1, stream == 1 ? -1 : kStderrPatience).value == 0) return false;
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

int BecomeHelper(void* launch) { return launch::BecomeHelper(static_cast<launch::Launch*>(launch)); }

void LaunchHelper(const Command& command, int planner, Received* received, size_t size) {
  if ((g_message.head.a & kSubreaper) != 0) (void)sys::Prctl(PR_SET_CHILD_SUBREAPER, 1);
  if ((g_message.head.a & kHoldSignals) != 0) (void)supervise::HoldSignals();
  launch::Launch launch;
  launch.is_init = (g_message.head.a & kIsInit) != 0;
  if ((g_message.head.a & kWithEnvironment) != 0) launch.environment = command.envp;
  launch.flags = launch.is_init ? g_message.head.b : 0;
  launch.preserved = reinterpret_cast<const int*>(g_message.data);
  launch.preserved_count = static_cast<int>(size / sizeof(int));
  if (received->count < 3) return Reply(planner, kLaunched, 0, EBADMSG, kFailedExecve);
  launch.helper = received->control.descriptors[0];
  int ours[sys::kMaxDescriptors];
  launch.ours = ours;
  for (unsigned i = 1; i < received->count; i++) ours[launch.ours_count++] = received->control.descriptors[i];
  Outcome born = Spawn(launch.flags, BecomeHelper, &launch);
  int pid = static_cast<int>(born.value);
  int err = born.ok() ? launch.failed : born.err();
  uint32_t call = born.ok() ? kFailedExecve : kFailedClone;
  // A parent ends once it has cloned init, which is then a child of ours, or has failed and told why.
  int status;
  if (born.ok() && (err != 0 || !launch.is_init)) (void)sys::Wait4(pid, &status, 0);
  Reply(planner, kLaunched, static_cast<uint32_t>(pid), static_cast<uint32_t>(err), call);
}

void WaitForChild(int planner, int pid) {
  int status = 0;
  Outcome waited = sys::Wait4(pid, &status, 0);
  Reply(planner, kWaited, static_cast<uint32_t>(status), static_cast<uint32_t>(waited.err()));
}

// --- the end -----------------------------------------------------------------------------------------------------

Answer Exit(int status) { return {true, status}; }

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
  Command finish = {argc, argv, command.envp};
  // It may be done twice: a planner that is lost on the way is no other matter than none.
  (void)AskOr(finish, OnLoss::kLeave);
}

// A C library that cannot make threads ends Node: it has another way than clone3(2) for ENOSYS alone.
void ExplainNode() {
  bool is_filtered = sys::Raw(__NR_clone3, 0, 0) == -EPERM;  // EINVAL where the call is to be had
  if (is_filtered)
    Say("hint: a seccomp filter answers clone3(2) with EPERM, after which Node cannot make a thread: let the filter "
        "answer "
        "ENOSYS, or leave a planner running outside of it\n");
}

// Node has ended without kExit: it owned nothing, and its exit status says all; or it was lost.
Answer Lost(const Command& command, const Owned& owned, Planner* planner, OnLoss on_loss) {
  planner->connection.reset();  // it may be waiting for an answer to what we have not understood
  int status;
  bool is_over = planner->node != 0 && sys::Wait4(planner->node, &status, 0).ok() && (status & 0x7f) == 0;
  if (is_over && !owned.is_any) return Exit((status >> 8) & 0xff);
  if (on_loss == OnLoss::kLeave) return {false, 0};
  Say(planner->node != 0 ? "tsrunc: Node ended before the command was done"
                         : "tsrunc: the planner ended before the command was done");
  Say(owned.is_any ? "; the container is removed\n" : "\n");
  if (planner->node != 0) ExplainNode();
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

Answer Supervise(const Command& command, const Owned& owned, Planner* planner, const Received& received) {
  const uint32_t has = g_message.head.b;
  supervise::Options options;
  options.pid = static_cast<int>(g_message.head.a);
  unsigned next = 0;
  if ((has & kHasTerminal) != 0 && next < received.count) options.terminal = received.control.descriptors[next++];
  if ((has & kHasNotify) != 0) options.notify = NotifyOf(received, next++);
  planner->connection.reset();
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

bool HasUnread(int socket) {
  int bytes = 0;
  return sys::Ioctl(socket, kUnsent, sys::Arg(&bytes)).ok() && bytes > 0;
}

// False when the planner does not read the request (it is stopped, or has too much to do) and will not carry it out
// later: see kPatience. Asked again after the shutdown, since it may have read in between.
bool IsTaken(int planner) {
  pollfd waiting = {planner, POLLIN, 0};
  if (sys::Poll(&waiting, 1, kPatience * 1000).value != 0 || !HasUnread(planner)) return true;
  (void)sys::Raw(__NR_shutdown, planner, 1 /* SHUT_WR */);
  return !HasUnread(planner);
}

Answer Serve(const Command& command, Planner planner, OnLoss on_loss) {
  if (planner.node == 0 && !IsTaken(planner.connection.get())) return {false, 0};
  Owned owned;
  bool is_written = true;
  for (bool is_first = true;; is_first = false) {
    Received received;
    Outcome got = sys::ReceiveMessage(planner.connection.get(), &g_message, sizeof(g_message), &received.control,
                                      &received.count);
    // A planner that has not even read the request has done nothing of it.
    if (is_first && got.err() == ECONNRESET) return {false, 0};
    if (got.err() == EMFILE) {  // only a launch has so many descriptors
      Reply(planner.connection.get(), kLaunched, 0, EMFILE, kFailedExecve);
      continue;
    }
    // A message that fills the buffer is not whole.
    bool is_message = got.value >= static_cast<long>(sizeof(Head)) && got.value < static_cast<long>(sizeof(g_message));
    if (!is_message) return Lost(command, owned, &planner, on_loss);
    size_t size = static_cast<size_t>(got.value) - sizeof(Head);
    g_message.data[size] = '\0';
    const Head& head = g_message.head;
    switch (head.kind) {
      case kPrint:
        // Without its output a command has failed, whatever the planner says.
        if (!WriteAll(static_cast<int>(head.a), g_message.data, size) && head.a == 1) is_written = false;
        break;
      case kLaunch: LaunchHelper(command, planner.connection.get(), &received, size); break;
      case kWait: WaitForChild(planner.connection.get(), static_cast<int>(head.a)); break;
      case kOwned: TakeOwned(&owned); break;
      case kSupervise: return Supervise(command, owned, &planner, received);
      case kWaitForReady: return WaitForReady(received);
      case kExit: return Exit(is_written || head.a != 0 ? static_cast<int>(head.a) : 1);
      case kDecline: return {false, 0};
      default: return Lost(command, owned, &planner, on_loss);
    }
  }
}

Answer AskNode(const Command& command, OnLoss on_loss) {
  Planner node;
  // What follows the end of a container goes on, whatever the terminal's user wants of the rest of the job.
  node.connection = StartNode(command, on_loss == OnLoss::kLeave, &node.node);
  if (!node.connection.valid()) return Exit(1);
  int pid = node.node;
  Answer answer = Serve(command, static_cast<Planner&&>(node), on_loss);
  int status;
  (void)sys::Wait4(pid, &status, 0);  // ECHILD: it is reaped already
  return answer;
}

Answer AskOr(const Command& command, OnLoss on_loss) {
  Planner planner;
  planner.connection = Request(command);
  if (planner.connection.valid()) {
    Answer answer = Serve(command, static_cast<Planner&&>(planner), on_loss);
    if (answer.is_done) return answer;
  }
  return AskNode(command, on_loss);
}

}  // namespace

Answer Ask(const Command& command) { return AskOr(command, OnLoss::kTell); }

}  // namespace tsrunc::front
