// Owns the way to Node: finds it and the bundle next to this program, and starts them with an environment that cannot
// change what Node loads. Knows no command. Freestanding, see docs/decisions/0002.
#pragma once

#include "../sys/fd.h"
#include "../sys/text.h"

namespace tsrunc::front {

struct Command {
  int argc;
  const char* const* argv;
  char** envp;
};

using Path = sys::Text<4096>;

// Comes back only on a failure, which it has told, with the exit status.
int BecomeNode(const Command& command);

// Starts Node as a child that finds a connection to this process in TSRUNC_FRONT (protocol.h): our end of it, and the
// child's pid. Not valid when it could not be started, which has been told. `is_apart`: in a session of its own, where
// the terminal's signals do not reach it, and whatever becomes of us.
sys::UniqueFd StartNode(const Command& command, bool is_apart, int* pid);

// The value of a variable, given as "NAME="; empty where there is none.
const char* Variable(char** envp, const char* prefix);

// To standard error.
void Say(const char* text);

}  // namespace tsrunc::front
