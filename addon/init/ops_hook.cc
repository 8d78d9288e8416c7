// runHook: a hook, in the namespaces where we are, with the state on its standard input. config.md, POSIX-platform
// Hooks.
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "execute.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

constexpr unsigned kMaxStrings = 1u << 12;
constexpr int kSetPipeSize = 1031, kPipeSize = 1 << 20;  // F_SETPIPE_SZ

// Fills the pipe before anybody reads it, so that a hook which reads nothing cannot stop us.
Outcome WriteState(int pipe, const plan::runHook_op& op) {
  (void)sys::Fcntl(pipe, kSetPipeSize, kPipeSize);  // refused: the 64 kB of a new pipe are enough for most states
  sys::Text<16> pid;
  pid.AddNumber(static_cast<uint64_t>(sys::Raw(__NR_getpid)));
  // Without a second part the first is the whole state: that of a hook of the runtime namespace.
  const char* const parts[] = {op.stateHead, *op.stateTail == '\0' ? "" : pid.c_str(), op.stateTail};
  for (const char* part : parts) TSRUNC_TRY(sys::Write(pipe, part, sys::Length(part)));
  return Ok();
}

// SIGCHLD by descriptor, so that one poll(2) hears of the end of the hook and of what it says. Also of other
// children's: whose end it was is asked afterwards. A pidfd would say it better, and needs Linux 5.2.
class ChildSignals {
 public:
  ~ChildSignals() { Restore(); }
  Outcome Open() {
    (void)sys::Raw(__NR_rt_sigprocmask, SIG_BLOCK, sys::Arg(&kMask), sys::Arg(&before_), 8);
    Outcome opened = sys::Signalfd(&kMask, O_NONBLOCK | O_CLOEXEC);
    if (opened.ok()) fd_.reset(static_cast<int>(opened.value));
    return opened;
  }
  // A hook starts with the mask that we had.
  void Restore() const { (void)sys::Raw(__NR_rt_sigprocmask, SIG_SETMASK, sys::Arg(&before_), 0, 8); }
  int fd() const { return fd_.get(); }
  void Forget() const {
    char info[128];  // struct signalfd_siginfo
    while (sys::Read(fd_.get(), info, sizeof(info)).value > 0) {
    }
  }

 private:
  static constexpr uint64_t kMask = uint64_t{1} << (SIGCHLD - 1);
  uint64_t before_ = 0;
  UniqueFd fd_;
};

// HOOK_FROM in src/plan/types.ts.
constexpr uint64_t kFromCaller = 1, kFromHome = 2, kFromRootfs = 4;

// A hook ends with us: who takes a creation back is not to meet its hooks at work. What it leaves behind itself stays.
void EndWithParent(int failure) {
  (void)sys::Prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd told = {failure, 0, 0};
  (void)sys::Poll(&told, 1, 0);
  if ((told.revents & POLLERR) != 0) sys::Exit(127);  // our parent had ended before: nobody reads there
}

// With the filter last, as the container's program has it: what comes after it must pass it.
[[noreturn]] void BecomeHook(Context& context, const plan::runHook_op& op, int input, int said, int failure) {
  static const char* argv[kMaxStrings + 1];
  static const char* envp[kMaxStrings + 2];
  for (uint32_t i = 0; i < op.args.count && i < kMaxStrings; i++) argv[i] = op.args[i];
  uint32_t variables = 0;
  for (; variables < op.env.count && variables < kMaxStrings; variables++) envp[variables] = op.env[variables];
  if ((op.from & kFromHome) != 0 && context.home.size() != 0) envp[variables++] = context.home.c_str();
  const bool is_callers = (op.from & kFromCaller) != 0;
  Outcome outcome = sys::Dup3(input, 0, 0);
  if (outcome.ok()) outcome = sys::Dup3(said, 1, 0);
  if (outcome.ok()) outcome = sys::Dup3(said, 2, 0);
  if (outcome.ok() && (op.from & kFromRootfs) != 0) outcome = sys::Fchdir(context.root.get());
  if (outcome.ok() && op.filter.size != 0) outcome = Execute(context, plan::applySeccomp_op{op.filter, op.filterFlags});
  if (outcome.ok())
    outcome = sys::Execve(op.path, argv, is_callers ? const_cast<const char**>(context.environment) : envp);
  (void)sys::Write(failure, &outcome, sizeof(outcome));
  sys::Exit(127);
}

uint64_t Milliseconds() {
  int64_t now[2] = {};
  (void)sys::Raw(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, sys::Arg(now));
  return static_cast<uint64_t>(now[0]) * 1000 + static_cast<uint64_t>(now[1]) / 1000000;
}

// What a hook says goes into the words of its failure, and nowhere else: the streams are the container's.
class Hearing {
 public:
  explicit Hearing(int pipe) : pipe_(pipe) {}
  int pipe() const { return pipe_; }
  // Takes what there is; false at the end, or when nothing has come. What is more than fits is read and dropped.
  bool Read() {
    char buffer[512];
    Outcome read = sys::Read(pipe_, buffer, sizeof(buffer));
    if (read.value > 0) said_.Add(buffer, static_cast<size_t>(read.value));
    else if (read.err() != EAGAIN) pipe_ = -1;
    return read.value > 0;
  }
  void AddTo(Context& context) const {
    size_t size = said_.size();
    while (size > 0 && said_.c_str()[size - 1] == '\n') size--;
    if (size > 0) context.detail.Add(", saying: ").Add(said_.c_str(), size);
  }

 private:
  int pipe_;
  sys::Text<400> said_;
};

// Until the hook has ended: its pid; or its `timeout` in seconds, where that is not 0, is over: 0. A process that the
// hook leaves behind with its streams is not waited for.
Outcome HearOut(int pid, const ChildSignals& children, uint64_t timeout, Hearing* hearing, int* status) {
  const uint64_t end = Milliseconds() + timeout * 1000;
  for (;;) {
    children.Forget();  // before asking: an end after the question wakes us again
    Outcome waited = sys::Wait4(pid, status, WNOHANG);
    while (hearing->pipe() >= 0 && hearing->Read()) {
    }
    if (waited.value != 0) return waited;
    uint64_t now = Milliseconds();
    if (timeout != 0 && now >= end) return Ok(0);
    pollfd waiting[] = {{children.fd(), POLLIN, 0}, {hearing->pipe(), POLLIN, 0}};
    (void)sys::Poll(waiting, 2, timeout == 0 ? -1 : static_cast<int>(end - now));
  }
}

Outcome WaitForHook(Context& context, int pid, const ChildSignals& children, int said, uint64_t timeout) {
  Hearing hearing(said);
  int status = 0;
  Outcome heard = HearOut(pid, children, timeout, &hearing, &status);
  if (!heard.ok()) return heard;
  const bool has_ended = heard.value != 0;
  if (!has_ended) {
    (void)sys::Kill(pid, SIGKILL);
    TSRUNC_TRY(sys::Wait4(pid, &status, 0));
  }
  if (has_ended && status == 0) return Ok();
  bool is_signal = (status & 0x7f) != 0;
  if (!has_ended) context.detail.Add("it took longer than its timeout of ").AddNumber(timeout).Add(" s");
  else context.detail.Add(is_signal ? "it was ended by signal " : "it ended with exit status ");
  if (has_ended) context.detail.AddNumber(static_cast<uint64_t>(is_signal ? status & 0x7f : status >> 8));
  hearing.AddTo(context);
  return Fail(ECANCELED);
}

}  // namespace

Outcome Execute(Context& context, const plan::runHook_op& op) {
  int state[2], failure[2], said[2];
  TSRUNC_TRY(sys::Pipe2(state, O_CLOEXEC));
  UniqueFd state_out(state[0]), state_in(state[1]);
  TSRUNC_TRY(sys::Pipe2(failure, O_CLOEXEC));
  UniqueFd failure_out(failure[0]), failure_in(failure[1]);
  TSRUNC_TRY(sys::Pipe2(said, O_CLOEXEC));
  UniqueFd said_out(said[0]), said_in(said[1]);
  (void)sys::Fcntl(said_out.get(), F_SETFL, O_NONBLOCK);
  TSRUNC_TRY(WriteState(state_in.get(), op));
  state_in.reset();
  ChildSignals children;
  TSRUNC_TRY(children.Open());
  Outcome cloned = sys::Clone(SIGCHLD);
  if (!cloned.ok()) return cloned;
  if (cloned.value == 0) {
    children.Restore();
    failure_out.reset();
    EndWithParent(failure_in.get());
    BecomeHook(context, op, state_out.get(), said_in.get(), failure_in.get());
  }
  failure_in.reset();
  said_in.reset();
  state_out.reset();
  Outcome failed = Ok();
  bool has_failed = sys::Read(failure_out.get(), &failed, sizeof(failed)).value == sizeof(failed);
  Outcome waited = WaitForHook(context, static_cast<int>(cloned.value), children, said_out.get(), op.timeout);
  if (!has_failed) return waited;
  context.detail = {};
  return failed;
}

}  // namespace tsrunc::init
