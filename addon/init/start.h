// Owns the one name that a freestanding program must define.
#pragma once

namespace tsrunc::init {
int Main(int argc, char** argv, char** envp);
}
