// One mount to one place; see mounts.h.
#include "mounts.h"

#include "mount_api.h"

namespace tsrunc::init {

using sys::Ok;
using sys::Outcome;
using sys::UniqueFd;

namespace {

// What each step of the mount API says where there is none: then its callers go the way of mount(2).
Outcome Lacking(sys::Call call) { return sys::Fail(ENOSYS, call); }

constexpr size_t kMaxParameter = 255;  // of fsconfig(2); mount(2) takes a page
constexpr int kOpenDirectoryPath = O_PATH | O_CLOEXEC | O_DIRECTORY;

// Keeps the kernel's own last word on a failed filesystem context: "e tmpfs: Bad value for 'size'".
void KeepLog(Context& context, int fs) {
  char line[256];
  for (int i = 0; i < 8; i++) {
    Outcome read = sys::Read(fs, line, sizeof(line));
    if (!read.ok() || read.value < 2) return;
    size_t size = static_cast<size_t>(read.value);
    if (line[size - 1] == '\n') size--;
    if (line[0] == 'e' && size > 2) context.detail.Add(line + 2, size - 2);
  }
}

// Flags of the superblock, as the mount API names them.
struct SuperFlag {
  uint64_t flag;
  const char* name;
};
constexpr SuperFlag kSuperFlags[] = {{MS_RDONLY, "ro"},
                                     {MS_SYNCHRONOUS, "sync"},
                                     {MS_DIRSYNC, "dirsync"},
                                     {MS_LAZYTIME, "lazytime"},
                                     {MS_MANDLOCK, "mand"}};

// One "key=value" or "flag" of the data. An empty value after '=' is a string, too.
Outcome SetParameter(int fs, const char* option) {
  char key[256];
  size_t length = 0;
  while (option[length] != '\0' && option[length] != '=' && length + 1 < sizeof(key)) {
    key[length] = option[length];
    length++;
  }
  key[length] = '\0';
  if (option[length] == '=') return sys::FsConfig(fs, FSCONFIG_SET_STRING, key, option + length + 1, 0);
  return sys::FsConfig(fs, FSCONFIG_SET_FLAG, key, nullptr, 0);
}

}  // namespace

Outcome SetAttributes(int fd, Attributes attributes, bool recursive) {
  if (attributes.set == 0 && attributes.clear == 0) return Ok();
  if (!HasMountApi()) return Lacking(sys::Call::k_mount_setattr);
  struct mount_attr words = {};
  words.attr_set = attributes.set;
  words.attr_clr = attributes.clear;
  return sys::MountSetattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &words);
}

Outcome ReadAttributes(int fd, uint64_t* attributes) {
  uint64_t statfs[16];
  TSRUNC_TRY(sys::Fstatfs(fd, statfs));
  *attributes = AttrsOfStatfs(statfs[10]);  // [10] is f_flags on 64-bit machines
  return Ok();
}

Outcome ChangeByRemount(Context& context, int fd, Attributes attributes) {
  uint64_t now;
  TSRUNC_TRY(ReadAttributes(fd, &now));
  MsFlags flags = MsFlags::kRemount | MsFlags::kBind | ToMsFlags((now & ~attributes.clear) | attributes.set);
  return MountOnFd(context, "", -1, fd, nullptr, flags, nullptr);
}

Outcome ChangeAttributes(Context& context, int fd, Attributes attributes) {
  Outcome outcome = SetAttributes(fd, attributes, false);
  return outcome.err() == ENOSYS ? ChangeByRemount(context, fd, attributes) : outcome;
}

Outcome SetPropagation(int fd, const plan::Numbers& flags) {
  if (flags.count > 0 && !HasMountApi()) return Lacking(sys::Call::k_mount_setattr);
  for (uint32_t i = 0; i < flags.count; i++) {
    auto flag = static_cast<MsFlags>(flags.data[i]);
    struct mount_attr words = {};
    words.propagation = flags.data[i] & ~Word(MsFlags::kRec);
    TSRUNC_TRY(sys::MountSetattr(fd, "", AT_EMPTY_PATH | (Has(flag, MsFlags::kRec) ? AT_RECURSIVE : 0), &words));
  }
  return Ok();
}

Outcome CloneMount(int dir, const char* path, bool recursive) {
  if (!HasMountApi()) return Lacking(sys::Call::k_open_tree);
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return sys::OpenTree(dir, path, flags);
}

Outcome NewMount(Context& context, const char* type, const char* source, const plan::Strings* data, const char* extra,
                 uint64_t ms_flags, uint64_t attributes) {
  if (!HasMountApi()) return Lacking(sys::Call::k_fsopen);
  return NewDetached(context, type, source, data, extra, ms_flags, attributes);
}

Outcome NewDetached(Context& context, const char* type, const char* source, const plan::Strings* data,
                    const char* extra, uint64_t ms_flags, uint64_t attributes) {
  Outcome opened = sys::FsOpen(type, FSOPEN_CLOEXEC);
  if (!opened.ok()) return opened;
  UniqueFd fs(opened.value);
  // Pseudo filesystems ignore their source and some refuse the key; a real fault shows at FSCONFIG_CMD_CREATE.
  (void)sys::FsConfig(fs.get(), FSCONFIG_SET_STRING, "source", source, 0);
  Outcome outcome = Ok();
  for (uint32_t i = 0; data != nullptr && i < data->count; i++)
    if (sys::Length((*data)[i]) > kMaxParameter) return sys::Fail(ENAMETOOLONG, sys::Call::k_fsconfig);
  // Init is not in the container's pid namespace yet, see openPidNamespace.
  if (context.pid_namespace.valid() && sys::Equal(type, "proc"))
    outcome = sys::FsConfig(fs.get(), FSCONFIG_SET_FD, "pidns", nullptr, context.pid_namespace.get());
  for (const SuperFlag& super : kSuperFlags)
    if (outcome.ok() && (ms_flags & super.flag) != 0)
      outcome = sys::FsConfig(fs.get(), FSCONFIG_SET_FLAG, super.name, nullptr, 0);
  for (uint32_t i = 0; outcome.ok() && data != nullptr && i < data->count; i++)
    outcome = SetParameter(fs.get(), (*data)[i]);
  if (outcome.ok() && extra != nullptr) outcome = SetParameter(fs.get(), extra);
  if (outcome.ok()) outcome = sys::FsConfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (outcome.ok()) outcome = sys::FsMount(fs.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (!outcome.ok()) KeepLog(context, fs.get());
  return outcome;
}

Outcome Attach(int mount, int target) {
  return sys::MoveMount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

namespace {

// From /proc/self/fd as working directory the names of descriptors are bare numbers: nothing on the way can be
// replaced.
Outcome EnterDescriptors(Context& context) {
  Outcome opened = sys::OpenAt(context.proc.get(), "self/fd", kOpenDirectoryPath);
  if (!opened.ok()) return opened;
  UniqueFd descriptors(opened.value);
  return sys::Fchdir(descriptors.get());
}

// Leaves the procfs; the working directory matters to nobody before setCwd.
void LeaveDescriptors() { (void)sys::Chdir("/"); }

}  // namespace

Outcome MountOnFd(Context& context, const char* source, int from, int target, const char* type, MsFlags flags,
                  const char* data) {
  TSRUNC_TRY(EnterDescriptors(context));
  sys::Text<16> target_name, source_name;
  target_name.AddNumber(static_cast<uint64_t>(target));
  if (source == nullptr && from >= 0) source = source_name.AddNumber(static_cast<uint64_t>(from)).c_str();
  Outcome outcome = sys::Mount(source, target_name.c_str(), type, Word(flags), data);
  LeaveDescriptors();
  return outcome;
}

Outcome DetachFd(Context& context, int mounted) {
  TSRUNC_TRY(EnterDescriptors(context));
  sys::Text<16> name;
  name.AddNumber(static_cast<uint64_t>(mounted));
  Outcome outcome = sys::Umount2(name.c_str(), kDetach);
  LeaveDescriptors();
  return outcome;
}

}  // namespace tsrunc::init
