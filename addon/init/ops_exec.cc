// The last operations: finding the program, the home directory, the wait for the planner, and execve.
#include <linux/magic.h>
#include <linux/prctl.h>

#include "descriptors.h"
#include "execute.h"
#include "resolve.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
constexpr int kExecutable = 1;                // X_OK
constexpr uint64_t kStart = 2, kCreated = 3;  // AWAIT in src/plan/types.ts
constexpr unsigned kMaxStrings = 1u << 16;
constexpr int kMaxPasswdBlocks = 1 << 10;  // of 4 kB: an image must not keep us reading for ever

bool HasSlash(const char* file) { return sys::LastSlash(file) != nullptr; }

// Whether the effective user may execute `path`. A directory is EACCES, as execve(2) has it. Where we may not ask,
// execve has the last word.
Outcome CheckFile(const char* path) {
  struct statx found;
  Outcome asked = sys::Statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_MODE, &found);
  if (sys::IsLacking(asked)) {
    Outcome opened = sys::OpenAt(AT_FDCWD, path, O_PATH | O_CLOEXEC);
    if (!opened.ok()) return opened;
    UniqueFd closed(opened.value);
    return Ok();
  }
  if (!asked.ok()) return asked;
  if ((found.stx_mode & S_IFMT) == S_IFDIR) return Fail(EACCES, sys::Call::k_execve);
  Outcome access = sys::FaccessAt2(AT_FDCWD, path, kExecutable, AT_EACCESS);
  if (sys::IsLacking(access)) return (found.stx_mode & 0111) != 0 ? Ok() : Fail(EACCES, access.call);
  return access;
}

// execvp(3)'s search: the first executable wins; a file that may not be executed is remembered over "not found".
Outcome FindProgram(const char* file, const plan::Strings& search, sys::Text<kPathMax>* out) {
  if (HasSlash(file)) {
    out->Add(file);
    return CheckFile(file);
  }
  Outcome best = Fail(ENOENT, sys::Call::k_execve);
  for (uint32_t i = 0; i < search.count; i++) {
    sys::Text<kPathMax> path;
    path.Add(search[i][0] == '\0' ? "." : search[i]).Add("/").Add(file);
    if (path.overflowed()) continue;
    Outcome found = CheckFile(path.c_str());
    if (found.ok()) {
      out->Add(path.c_str());
      return found;
    }
    if (found.err() == EACCES) best = found;
  }
  return best;
}

// Reads the home directory of `uid` from the container's /etc/passwd: name:password:uid:gid:comment:home:shell.
// A line longer than the buffer is passed over.
void FindHome(Context& context, uint64_t uid, sys::Text<kPathMax>* home) {
  Outcome opened = OpenInRoot(context.root.get(), "etc/passwd");
  if (!opened.ok()) return;
  UniqueFd path(opened.value);
  sys::Text<32> name;
  name.Add("self/fd/").AddNumber(static_cast<uint64_t>(path.get()));
  struct statx found;
  if (!sys::Statx(path.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found).ok() || (found.stx_mode & S_IFMT) != S_IFREG)
    return;
  uint64_t statfs[16];
  if (!sys::Fstatfs(path.get(), statfs).ok() || statfs[0] == PROC_SUPER_MAGIC || statfs[0] == SYSFS_MAGIC) return;
  Outcome file = sys::OpenAt(context.proc.get(), name.c_str(), O_NONBLOCK | O_CLOEXEC);
  if (!file.ok()) return;
  UniqueFd passwd(file.value);
  sys::Text<24> wanted;
  wanted.AddNumber(uid);

  char buffer[4096], field[kPathMax];
  int column = 0;
  size_t length = 0;
  bool is_match = false, is_bad = false;
  for (int blocks = 0; blocks < kMaxPasswdBlocks; blocks++) {
    Outcome read = sys::Read(passwd.get(), buffer, sizeof(buffer));
    if (!read.ok() || read.value == 0) return;
    for (long i = 0; i < read.value; i++) {
      char c = buffer[i];
      if (c != ':' && c != '\n') {
        if (length + 1 < sizeof(field)) field[length++] = c;
        else is_bad = true;
        continue;
      }
      field[length] = '\0';
      if (column == 2) is_match = !is_bad && sys::Equal(field, wanted.c_str());
      if (column == 5 && is_match && !is_bad) {
        home->Add(field);
        return;
      }
      column = c == '\n' ? 0 : column + 1;
      length = 0;
      if (c == '\n') is_match = is_bad = false;
    }
  }
}

}  // namespace

Outcome Execute(Context& context, const plan::setHome_op& op) {
  sys::Text<kPathMax> home;
  FindHome(context, op.uid, &home);
  context.home = {};
  context.home.Add("HOME=").Add(home.size() == 0 ? "/" : home.c_str());
  return Ok();
}

Outcome Execute(Context&, const plan::checkExecutable_op& op) {
  sys::Text<kPathMax> path;
  return FindProgram(op.file, op.search, &path);
}

Outcome Execute(Context& context, const plan::await_op& op) {
  // The planner ends by itself once the container can do without it.
  if (op.point == kStart || op.point == kCreated) (void)sys::Prctl(PR_SET_PDEATHSIG, 0);
  Tell(context, Message::kAwait, static_cast<int64_t>(op.point));
  char answer;
  Outcome read = sys::Read(context.sync, &answer, 1);
  if (!read.ok()) return read;
  if (read.value == 0) sys::Exit(1);  // the planner is gone or has given up: nobody is left to tell
  return Ok();
}

// There is no program yet that could have handlers, and the kernel spares an init that has none: the signals that
// people end a program with end it here. execve puts them back.
void EndBySignal(int signal) { sys::Exit(128 + signal); }

void EndBySignals() {
  constexpr unsigned long kRestorer = 0x04000000;  // SA_RESTORER: x86 wants one, though this handler does not return
  struct {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(int);
    uint64_t mask;
  } action = {EndBySignal, kRestorer, EndBySignal, 0};
  constexpr int kEnding[] = {1, 2, 3, 15};  // SIGHUP, SIGINT, SIGQUIT, SIGTERM
  for (int signal : kEnding) (void)sys::Raw(__NR_rt_sigaction, signal, sys::Arg(&action), 0, 8);
}

// From here on `start` is the planner: it connects, and init answers for itself to that connection alone. A second
// `start` finds the listener closed.
Outcome Execute(Context& context, const plan::awaitGate_op& op) {
  EndBySignals();
  Outcome accepted = sys::Accept4(context.Slot(op.slot), O_CLOEXEC);
  if (!accepted.ok()) return accepted;
  UniqueFd closed(context.Slot(op.slot)), before(context.sync);
  context.sync = static_cast<int>(accepted.value);
  return Execute(context, plan::await_op{kStart});
}

Outcome Execute(Context& context, const plan::prepareExec_op& op) {
  context.program = {};
  return FindProgram(op.file, op.search, &context.program);
}

// For real, not by close-on-exec: a descriptor of ours could be what the program's path names (/proc/self/fd/N), or
// what somebody takes who traces us. Those that stay are sockets, which lead nowhere, and execve closes them.
Outcome Execute(Context& context, const plan::closeDescriptors_op& op) {
  constexpr uint64_t kNone = 0xffffffff;
  int kept[] = {context.sync, op.keep == kNone ? context.sync : context.Slot(op.keep)};
  if (kept[0] > kept[1]) kept[0] = kept[1], kept[1] = context.sync;
  // What is closed here is nobody's any more.
  int proc = context.proc.release();
  (void)context.root.release(), (void)context.empty.release(), (void)context.null.release();
  int first = context.first_fd;
  for (int descriptor : kept) {
    if (first < descriptor) TSRUNC_TRY(CloseFrom(proc, first, Closing::kNow, descriptor - 1));
    first = descriptor + 1;
  }
  return CloseFrom(proc, first, Closing::kNow);
}

Outcome Execute(Context&, const plan::finish_op&) { sys::Exit(0); }

Outcome Execute(Context& context, const plan::exec_op& op) {
  static const char* argv[kMaxStrings + 1];
  static const char* envp[kMaxStrings + 2];
  if (op.args.count > kMaxStrings || op.env.count > kMaxStrings) return Fail(E2BIG, sys::Call::k_execve);
  for (uint32_t i = 0; i < op.args.count; i++) argv[i] = op.args[i];
  uint32_t env_count = 0;
  for (uint32_t i = 0; i < op.env.count; i++) envp[env_count++] = op.env[i];
  if (context.home.size() != 0) envp[env_count++] = context.home.c_str();
  Outcome failed = sys::Execve(context.program.c_str(), argv, envp);
  context.detail.Add(context.program.c_str());
  return failed;
}

}  // namespace tsrunc::init
