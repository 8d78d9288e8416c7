// Handing over of sources; see sources.h.
#include "sources.h"

#include "../sys/message.h"
#include "execute.h"
#include "mounts.h"

namespace tsrunc::init {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

constexpr int kSigChld = 17;
constexpr int kOpenPath = O_PATH | O_CLOEXEC;

// Below /proc of init: `name` of its directory.
Outcome OpenOfInit(Context& context, int pid, const char* name, int flags) {
  sys::Text<64> path;
  path.AddNumber(static_cast<uint64_t>(pid)).Add("/").Add(name);
  return sys::OpenAt(context.proc.get(), path.c_str(), flags | O_CLOEXEC);
}

// The root goes along: that of a mount namespace is not ours where the runtime itself lives in a chroot.
Outcome EnterMountsOf(Context& context, int pid) {
  Outcome root = OpenOfInit(context, pid, "root", O_PATH | O_DIRECTORY);
  Outcome mounts = OpenOfInit(context, pid, "ns/mnt", O_RDONLY);
  UniqueFd root_fd(root.value), mounts_fd(mounts.value);
  if (!root.ok()) return root;
  if (!mounts.ok()) return mounts;
  TSRUNC_TRY(sys::Setns(mounts_fd.get(), CLONE_NEWNS));
  TSRUNC_TRY(sys::Fchdir(root_fd.get()));
  return sys::Chroot(".");
}

// Several go in one message: init holds no more of them than that at a time, and a small buffer holds them all.
Outcome SendBatch(int socket, const plan::Strings& sources, uint32_t first) {
  int32_t errors[Context::kSourceBatch];
  sys::ControlMessage control{0, sys::kSolSocket, sys::kScmRights, {}};
  uint32_t count = 0, opened = 0;
  for (; count < Context::kSourceBatch && first + count < sources.count; count++) {
    Outcome source = sys::OpenAt(AT_FDCWD, sources[first + count], kOpenPath);
    errors[count] = source.err();
    if (source.ok()) control.descriptors[opened++] = static_cast<int>(source.value);
  }
  sys::IoVec part{errors, count * sizeof(errors[0])};
  sys::MessageHeader message{nullptr, 0, &part, 1, nullptr, 0, 0};
  control.size = sys::kControlHead + opened * sizeof(int);
  if (opened > 0) {
    message.control = &control;
    message.control_size = (control.size + 7) & ~size_t{7};
  }
  Outcome sent = sys::Sendmsg(socket, &message, sys::kMsgNoSignal);
  for (uint32_t i = 0; i < opened; i++) UniqueFd closed(control.descriptors[i]);
  return sent;
}

[[noreturn]] void RunOpener(Context& context, const plan::Strings& sources, int order, int socket) {
  int32_t pid;
  if (sys::Read(order, &pid, sizeof(pid)).value != sizeof(pid)) sys::Exit(0);  // parent has failed, and told why
  Outcome outcome = EnterMountsOf(context, pid);
  for (uint32_t first = 0; outcome.ok() && first < sources.count; first += Context::kSourceBatch)
    outcome = SendBatch(socket, sources, first);
  sys::Exit(0);
}

Outcome ReceiveBatch(Context& context) {
  sys::ControlMessage control;
  unsigned opened;
  Context::Sources& sources = context.sources;
  Outcome received =
      sys::ReceiveMessage(sources.socket.get(), sources.errors, sizeof(sources.errors), &control, &opened);
  if (!received.ok() || received.value == 0) return sys::Fail(ENODATA, sys::Call::k_recvmsg);
  sources.next = 0;
  sources.count = static_cast<uint32_t>(received.value) / sizeof(sources.errors[0]);
  for (uint32_t i = 0, taken = 0; i < sources.count; i++) {
    bool has_descriptor = sources.errors[i] == 0 && taken < opened;
    sources.fds[i].reset(has_descriptor ? control.descriptors[taken++] : -1);
  }
  return Ok();
}

}  // namespace

Outcome Execute(Context& context, const plan::prepareSources_op& op) {
  int sockets[2], order[2];
  TSRUNC_TRY(sys::SocketPair(sockets));
  UniqueFd ours(sockets[0]), theirs(sockets[1]);
  TSRUNC_TRY(sys::Pipe2(order, O_CLOEXEC));
  UniqueFd reader(order[0]), writer(order[1]);
  struct clone_args args = {};
  args.exit_signal = kSigChld;
  Outcome cloned = sys::Clone3(&args);
  if (!cloned.ok()) return cloned;
  if (cloned.value == 0) {
    writer.reset();
    ours.reset();
    RunOpener(context, op.sources, reader.get(), theirs.get());
  }
  context.sources.opener = static_cast<int>(cloned.value);
  context.sources.order = static_cast<UniqueFd&&>(writer);
  context.sources.socket = static_cast<UniqueFd&&>(ours);
  return Ok();
}

// After init was let go: it takes the sources as they come.
Outcome Execute(Context& context, const plan::openSources_op&) {
  int32_t pid = context.sources.init;
  (void)sys::Write(context.sources.order.get(), &pid, sizeof(pid));
  context.sources.order.reset();
  int status;
  (void)sys::Wait4(context.sources.opener, &status, 0);
  return Ok();
}

Outcome FindSource(Context& context, Source* source) {
  Context::Sources& sources = context.sources;
  sources.order.reset();  // parent's
  if (sources.socket.valid() && sources.next == sources.count && !ReceiveBatch(context).ok()) sources.socket.reset();
  if (!sources.socket.valid()) return Ok();
  uint32_t i = sources.next++;
  source->fd = static_cast<UniqueFd&&>(sources.fds[i]);
  if (sources.errors[i] == 0) return Ok();
  context.detail.Add(source->path);
  return sys::Fail(sources.errors[i], sys::Call::k_openat);
}

Outcome CloneSource(const Source& source, bool recursive) {
  return source.fd.valid() ? CloneMount(source.fd.get(), "", recursive) : CloneMount(AT_FDCWD, source.path, recursive);
}

Outcome OpenSource(Source* source) {
  if (source->fd.valid()) return Ok();
  Outcome opened = sys::OpenAt(AT_FDCWD, source->path, kOpenPath);
  if (opened.ok()) source->fd.reset(static_cast<int>(opened.value));
  return opened;
}

}  // namespace tsrunc::init
