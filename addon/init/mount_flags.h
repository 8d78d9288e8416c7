// Owns the two flag families of mounts and the one bridge between them. They share some numbers by luck and differ in
// others (MS_RELATIME is MOUNT_ATTR_NOSYMFOLLOW's bit), so they are two types.
#pragma once

#include <stdint.h>

namespace tsrunc::init {

enum class MsFlags : uint64_t {
  kNone = 0,
  kRdonly = 1,
  kNosuid = 2,
  kNodev = 4,
  kNoexec = 8,
  kRemount = 32,
  kNosymfollow = 256,
  kNoatime = 1024,
  kNodiratime = 2048,
  kBind = 4096,
  kMove = 8192,
  kRec = 16384,
  kUnbindable = 1 << 17,
  kPrivate = 1 << 18,
  kSlave = 1 << 19,
  kShared = 1 << 20,
  kRelatime = 1 << 21,
  kStrictatime = 1 << 24,
};
constexpr MsFlags operator|(MsFlags a, MsFlags b) {
  return static_cast<MsFlags>(static_cast<uint64_t>(a) | static_cast<uint64_t>(b));
}
constexpr bool Has(MsFlags flags, MsFlags bit) {
  return (static_cast<uint64_t>(flags) & static_cast<uint64_t>(bit)) != 0;
}
constexpr unsigned long Word(MsFlags flags) { return static_cast<unsigned long>(flags); }

enum class MountAttrs : uint64_t {
  kRdonly = 0x1,
  kNosuid = 0x2,
  kNodev = 0x4,
  kNoexec = 0x8,
  kAtimeMask = 0x70,
  kNoatime = 0x10,
  kStrictatime = 0x20,
  kNodiratime = 0x80,
  kNosymfollow = 0x200000,
};
constexpr uint64_t Word(MountAttrs attrs) { return static_cast<uint64_t>(attrs); }

// Attributes in the words of mount(8).
struct AttrName {
  MountAttrs attr;
  const char* name;
};
constexpr AttrName kAttrNames[] = {
    {MountAttrs::kRdonly, "ro"},     {MountAttrs::kNosuid, "nosuid"},           {MountAttrs::kNodev, "nodev"},
    {MountAttrs::kNoexec, "noexec"}, {MountAttrs::kNosymfollow, "nosymfollow"},
};

// What a mount with the MOUNT_ATTR_* word `attrs` is in the words of mount(2).
inline MsFlags ToMsFlags(uint64_t attrs) {
  uint64_t flags = attrs & 0xf;  // the four low bits are the same in both
  uint64_t atime = attrs & Word(MountAttrs::kAtimeMask);
  if (atime == 0) flags |= Word(MsFlags::kRelatime);
  if (atime == Word(MountAttrs::kNoatime)) flags |= Word(MsFlags::kNoatime);
  if (atime == Word(MountAttrs::kStrictatime)) flags |= Word(MsFlags::kStrictatime);
  if ((attrs & Word(MountAttrs::kNodiratime)) != 0) flags |= Word(MsFlags::kNodiratime);
  if ((attrs & Word(MountAttrs::kNosymfollow)) != 0) flags |= Word(MsFlags::kNosymfollow);
  return static_cast<MsFlags>(flags);
}

// The attributes of a mount from statfs(2)'s f_flags, whose ST_* bits are a third family.
inline uint64_t AttrsOfStatfs(uint64_t st) {
  uint64_t attrs = st & 0xf;
  if ((st & 0x400) != 0) attrs |= Word(MountAttrs::kNoatime);
  if ((st & (0x400 | 0x1000)) == 0) attrs |= Word(MountAttrs::kStrictatime);
  if ((st & 0x800) != 0) attrs |= Word(MountAttrs::kNodiratime);
  if ((st & 0x2000) != 0) attrs |= Word(MountAttrs::kNosymfollow);
  return attrs;
}

}  // namespace tsrunc::init
