// runHook: a hook of the container namespaces, with the state on its standard input. config.md, POSIX-platform Hooks.
#include <asm/poll.h>
#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/sched.h>
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
  const char* const parts[] = {op.stateHead, pid.c_str(), op.stateTail};
  for (const char* part : parts) TSRUNC_TRY(sys::Write(pipe, part, sys::Length(part)));
  return Ok();
}

[[noreturn]] void BecomeHook(const plan::runHook_op& op, int input, int failure) {
  static const char* argv[kMaxStrings + 1];
  static const char* envp[kMaxStrings + 1];
  for (uint32_t i = 0; i < op.args.count && i < kMaxStrings; i++) argv[i] = op.args[i];
  for (uint32_t i = 0; i < op.env.count && i < kMaxStrings; i++) envp[i] = op.env[i];
  Outcome outcome = sys::Dup3(input, 0, 0);
  if (outcome.ok()) outcome = sys::Execve(op.path, argv, envp);
  int err = outcome.err();
  (void)sys::Write(failure, &err, sizeof(err));
  sys::Exit(127);
}

// Waits for the end, at most `timeout` seconds where that is not 0.
Outcome WaitForHook(Context& context, int pid, int pidfd, uint64_t timeout) {
  pollfd waiting = {pidfd, POLLIN, 0};
  Outcome ended = sys::Poll(&waiting, 1, timeout == 0 ? -1 : static_cast<int>(timeout * 1000));
  if (ended.value == 0) {
    (void)sys::Kill(pid, SIGKILL);
    context.detail.Add("it took longer than its timeout");
  }
  int status;
  TSRUNC_TRY(sys::Wait4(pid, &status, 0));
  if (ended.value == 0) return Fail(ECANCELED);
  if (status == 0) return Ok();
  bool is_signal = (status & 0x7f) != 0;
  context.detail.Add(is_signal ? "it was ended by signal " : "it ended with exit status ");
  context.detail.AddNumber(static_cast<uint64_t>(is_signal ? status & 0x7f : status >> 8));
  return Fail(ECANCELED);
}

}  // namespace

Outcome Execute(Context& context, const plan::runHook_op& op) {
  int state[2], failure[2];
  TSRUNC_TRY(sys::Pipe2(state, O_CLOEXEC));
  UniqueFd state_out(state[0]), state_in(state[1]);
  TSRUNC_TRY(sys::Pipe2(failure, O_CLOEXEC));
  UniqueFd failure_out(failure[0]), failure_in(failure[1]);
  TSRUNC_TRY(WriteState(state_in.get(), op));
  state_in.reset();
  int pidfd = -1;
  struct clone_args args = {};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  Outcome cloned = sys::Clone3(&args);
  if (!cloned.ok()) return cloned;
  if (cloned.value == 0) BecomeHook(op, state_out.get(), failure_in.get());
  UniqueFd pidfd_owned(pidfd);
  failure_in.reset();
  int err = 0;
  bool has_failed = sys::Read(failure_out.get(), &err, sizeof(err)).value == sizeof(err);
  Outcome waited = WaitForHook(context, static_cast<int>(cloned.value), pidfd, op.timeout);
  if (!has_failed) return waited;
  context.detail = {};
  return Fail(err, sys::Call::k_execve);
}

}  // namespace tsrunc::init
