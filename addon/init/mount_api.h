// Owns the question whether this process has the mount API. All of it, or none: a step that fails half-way (a mount
// that was cloned and cannot be attached) has no older way to go on. Knows no mount.
#pragma once

#include "../sys/calls.h"
#include "../sys/lacks.h"

namespace tsrunc::init {

// Asked once, with arguments that every kernel refuses (EINVAL): Linux has all of it from 5.12, and a filter may take
// any of it away.
inline bool HasMountApi() {
  enum class Answer { kUnknown, kWhole, kLacking };
  static Answer answer = Answer::kUnknown;
  if (answer != Answer::kUnknown) return answer == Answer::kWhole;
  constexpr unsigned kNonsense = ~0u;
  bool lacks = sys::IsLacking(sys::OpenTree(-1, "", kNonsense)) || sys::IsLacking(sys::FsOpen("", kNonsense)) ||
               sys::IsLacking(sys::FsConfig(-1, kNonsense, nullptr, nullptr, 0)) ||
               sys::IsLacking(sys::FsMount(-1, kNonsense, 0)) ||
               sys::IsLacking(sys::MoveMount(-1, "", -1, "", kNonsense)) ||
               sys::IsLacking(sys::MountSetattr(-1, "", kNonsense, nullptr));
  answer = lacks ? Answer::kLacking : Answer::kWhole;
  return !lacks;
}

}  // namespace tsrunc::init
