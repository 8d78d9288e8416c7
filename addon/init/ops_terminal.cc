// The operations on standard streams and the terminal: makeConsole, reopenNull, ownStdio.
#include <asm/ioctls.h>
#include <asm/termbits.h>

#include "execute.h"
#include "mounts.h"
#include "resolve.h"

namespace tsrunc::init {

using sys::Fail;
using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {
constexpr unsigned kPtmxMajor = 5, kPtmxMinor = 2;

bool IsCharDevice(const struct statx& found, unsigned major, unsigned minor) {
  return (found.stx_mode & S_IFMT) == S_IFCHR && found.stx_rdev_major == major && found.stx_rdev_minor == minor;
}

// The multiplexer of the container's own devpts, by a path without links, and checked to be one.
Outcome OpenMultiplexer(Context& context, UniqueFd* out) {
  Outcome opened = OpenInRoot(context.root.get(), "dev/pts", Links::kRefuse);
  if (!opened.ok()) {
    context.detail.Add("process.terminal needs a devpts mounted on /dev/pts");
    return opened;
  }
  UniqueFd pts(opened.value);
  Outcome master = sys::OpenAt(pts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
  if (!master.ok()) {
    context.detail.Add("process.terminal needs a devpts mounted on /dev/pts");
    return master;
  }
  out->reset(static_cast<int>(master.value));
  struct statx found;
  TSRUNC_TRY(sys::Statx(out->get(), "", AT_EMPTY_PATH, STATX_TYPE, &found));
  return IsCharDevice(found, kPtmxMajor, kPtmxMinor) ? Ok() : Fail(ENOTTY, sys::Call::k_statx);
}

// /dev/console becomes the terminal, bound by descriptor; a link of the image there is refused, not followed.
Outcome BindConsole(Context& context) {
  Outcome opened = OpenTarget(context.root.get(), "dev/console", Kind::kFile, Links::kRefuse);
  if (!opened.ok()) return opened;
  UniqueFd target(opened.value);
  Outcome cloned = CloneMount(context.terminal.get(), "", false);
  if (cloned.err() == ENOSYS)
    return MountOnFd(context, nullptr, context.terminal.get(), target.get(), nullptr, MsFlags::kBind, nullptr);
  if (!cloned.ok()) return cloned;
  UniqueFd mount(cloned.value);
  return Attach(mount.get(), target.get());
}

// In the foreground the terminal that our caller has adds carriage returns, or wants none: this one adds no others.
// Before anything is written.
Outcome LeaveNewlines(int terminal) {
  termios modes;
  TSRUNC_TRY(sys::Ioctl(terminal, TCGETS, sys::Arg(&modes)));
  modes.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  return sys::Ioctl(terminal, TCSETS, sys::Arg(&modes));
}

}  // namespace

Outcome Execute(Context& context, const plan::makeConsole_op& op) {
  UniqueFd master;
  TSRUNC_TRY(OpenMultiplexer(context, &master));
  int unlocked = 0;
  TSRUNC_TRY(sys::Ioctl(master.get(), TIOCSPTLCK, sys::Arg(&unlocked)));
  // TIOCGPTPEER gives the very peer; the name /dev/pts/N could be somebody else's file by now (CVE-2025-52565).
  Outcome peer = sys::Ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (!peer.ok()) return peer;
  context.terminal.reset(static_cast<int>(peer.value));
  if (op.height != 0 || op.width != 0) {
    unsigned short size[4] = {static_cast<unsigned short>(op.height), static_cast<unsigned short>(op.width), 0, 0};
    TSRUNC_TRY(sys::Ioctl(master.get(), TIOCSWINSZ, sys::Arg(size)));
  }
  if (op.bind != 0) TSRUNC_TRY(BindConsole(context));
  if (op.crlf == 0) TSRUNC_TRY(LeaveNewlines(context.terminal.get()));
  Tell(context, Message::kTerminal, 0, master.get());
  for (int stream = 0; stream < 3; stream++) TSRUNC_TRY(sys::Dup3(context.terminal.get(), stream, 0));
  context.terminal.reset();
  return Ok();
}

// By the process that stays: with the leader of its session a terminal goes, too.
Outcome Execute(Context&, const plan::takeTerminal_op&) { return sys::Ioctl(0, TIOCSCTTY, 0); }

// A stream on the host's null device becomes one on the container's, so that nothing of the host stays open. Where the
// container has no null device, the stream stays as it is: opening what stands there instead was CVE-2026-88265.
Outcome Execute(Context& context, const plan::reopenNull_op&) {
  for (int stream = 0; stream < 3; stream++) {
    struct statx found;
    if (!sys::Statx(stream, "", AT_EMPTY_PATH, STATX_TYPE, &found).ok() || !IsCharDevice(found, 1, 3)) continue;
    Outcome opened = OpenInRoot(context.root.get(), "dev/null");
    if (!opened.ok()) return Ok();
    UniqueFd path(opened.value);
    TSRUNC_TRY(sys::Statx(path.get(), "", AT_EMPTY_PATH, STATX_TYPE, &found));
    if (!IsCharDevice(found, 1, 3)) return Ok();
    sys::Text<32> name;
    name.Add("self/fd/").AddNumber(static_cast<uint64_t>(path.get()));
    Outcome null = sys::OpenAt(context.proc.get(), name.c_str(), O_RDWR | O_CLOEXEC);
    if (!null.ok()) return null;
    UniqueFd file(null.value);
    TSRUNC_TRY(sys::Dup3(file.get(), stream, 0));
  }
  return Ok();
}

// The user must be able to open /dev/stdout again, which asks the file behind it.
Outcome Execute(Context&, const plan::ownStdio_op& op) {
  for (int stream = 0; stream < 3; stream++) {
    struct statx found;
    if (!sys::Statx(stream, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found).ok()) continue;
    if (IsCharDevice(found, 1, 3) || found.stx_uid == op.uid) continue;  // the null device is everybody's
    Outcome changed = sys::Fchown(stream, static_cast<unsigned>(op.uid), found.stx_gid);
    bool is_foreign = changed.err() == EINVAL || changed.err() == EPERM || changed.err() == EROFS;
    if (!changed.ok() && !is_foreign) return changed;  // unmapped owners and read-only files cannot be given away
  }
  return Ok();
}

}  // namespace tsrunc::init
