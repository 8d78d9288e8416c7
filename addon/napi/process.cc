// receive, waitFor, supervise, becomeSubreaper: the planner's side of a running helper and container.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "../init/report.h"
#include "../supervise/supervise.h"
#include "../sys/message.h"
#include "exports.h"
#include "throw.h"

namespace tsrunc::napi {
namespace {

// {exited: code} or {signaled: number}
Napi::Value WaitStatus(Napi::Env env, int status) {
  auto result = Napi::Object::New(env);
  if (WIFSIGNALED(status)) result.Set("signaled", Napi::Number::New(env, WTERMSIG(status)));
  else result.Set("exited", Napi::Number::New(env, WEXITSTATUS(status)));
  return result;
}

}  // namespace

// The next report; null at end of file; undefined where there is none and `flags` forbid to wait.
static Napi::Value ReceiveReport(const Napi::CallbackInfo& info, int flags) {
  Napi::Env env = info.Env();
  int sync = info[0].As<Napi::Number>();
  init::Report report = {};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part = {&report, sizeof(report)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  sys::Outcome outcome = sys::ReceiveOnce(sync, &message, MSG_CMSG_CLOEXEC | flags);
  if (outcome.err() == EAGAIN) return env.Undefined();
  if (outcome.err() == ECONNRESET) return env.Null();
  long received = Check(env, outcome);
  if (received == 0) return env.Null();
  if (received < init::kReportHead || report.detail_size > sizeof(report.detail))
    throw SystemError(env, sys::Fail(EBADMSG, sys::Call::k_recvmsg));
  auto result = Napi::Object::New(env);
  result.Set("kind", Napi::Number::New(env, static_cast<uint32_t>(report.kind)));
  result.Set("stage", Napi::Number::New(env, report.stage));
  result.Set("op", Napi::Number::New(env, report.op));
  result.Set("call", Napi::String::New(env, CallName(report.call)));
  result.Set("errno", Napi::Number::New(env, report.err));
  result.Set("code", Napi::String::New(env, report.err == 0 ? "" : ErrnoName(report.err)));
  result.Set("text", Napi::String::New(env, report.err == 0 ? "" : ErrnoText(report.err)));
  result.Set("detail", Napi::String::New(env, report.detail, report.detail_size));
  result.Set("value", Napi::Number::New(env, static_cast<double>(report.value)));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS)
    result.Set("descriptor", Napi::Number::New(env, *reinterpret_cast<int*>(CMSG_DATA(header))));
  return result;
}

// receive(sync): the next report, or null at end of file. Blocks.
Napi::Value Receive(const Napi::CallbackInfo& info) { return ReceiveReport(info, 0); }

// receiveNow(sync): the same without waiting; undefined when there is none yet.
Napi::Value ReceiveNow(const Napi::CallbackInfo& info) { return ReceiveReport(info, MSG_DONTWAIT); }

// waitFor(pid): blocks until the child has ended, and reaps it.
Napi::Value WaitFor(const Napi::CallbackInfo& info) {
  int status;
  Check(info.Env(), sys::Wait4(info[0].As<Napi::Number>(), &status, 0));
  return WaitStatus(info.Env(), status);
}

// supervise({pid, terminal, notify: {socket, host}}): blocks until the process has ended, forwarding signals, the
// terminal and its readiness.
Napi::Value SuperviseProcess(const Napi::CallbackInfo& info) {
  auto given = info[0].As<Napi::Object>();
  supervise::Options options;
  options.pid = given.Get("pid").As<Napi::Number>();
  Napi::Value terminal = given.Get("terminal");
  if (terminal.IsNumber()) options.terminal = terminal.As<Napi::Number>();
  std::string host;
  if (Napi::Value notify = given.Get("notify"); notify.IsObject()) {
    host = notify.As<Napi::Object>().Get("host").As<Napi::String>();
    options.notify.socket = notify.As<Napi::Object>().Get("socket").As<Napi::Number>();
    options.notify.host = host.c_str();
  }
  return WaitStatus(info.Env(), static_cast<int>(Check(info.Env(), supervise::Supervise(options))));
}

// waitForReady({socket, host, pid, pidfd}): blocks until the container has said READY, which is handed on, or has
// ended.
Napi::Value WaitForReady(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto given = info[0].As<Napi::Object>();
  std::string host = given.Get("host").As<Napi::String>();
  supervise::Notify notify;
  notify.socket = given.Get("socket").As<Napi::Number>();
  notify.host = host.c_str();
  notify.main_pid = given.Get("pid").As<Napi::Number>();
  notify.has_barrier = true;
  sys::Outcome waited = supervise::WaitForReady(notify, given.Get("pidfd").As<Napi::Number>());
  return Napi::Boolean::New(env, Check(env, waited, host) == 1);
}

// holdSignals(): signals to be forwarded wait for supervise from here on.
Napi::Value HoldSignals(const Napi::CallbackInfo& info) {
  Check(info.Env(), supervise::HoldSignals());
  return info.Env().Undefined();
}

// endProcess(status): _exit(2), with nothing of Node's or V8's own taken down first.
Napi::Value EndProcess(const Napi::CallbackInfo& info) { sys::Exit(info[0].As<Napi::Number>().Int32Value()); }

// becomeSubreaper(): orphans of our children become ours, PR_SET_CHILD_SUBREAPER of prctl(2).
Napi::Value BecomeSubreaper(const Napi::CallbackInfo& info) {
  Check(info.Env(), sys::Prctl(PR_SET_CHILD_SUBREAPER, 1));
  return info.Env().Undefined();
}

}  // namespace tsrunc::napi
