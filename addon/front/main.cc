// tsrunc: the program that people and engines start. Asks a planner that is running already, and does what that says;
// or becomes Node, which does the same from the beginning. Knows no command. Freestanding, see docs/decisions/0002,
// 0011.
#include "../init/start.h"
#include "client.h"
#include "node.h"

namespace tsrunc::init {

int Main(int argc, char** argv, char** envp) {
  static front::Path descriptors = front::OpenDescriptors();
  front::Command command = {argc, argv, envp, descriptors.c_str()};
  front::Answer answer = front::Ask(command);
  return answer.is_done ? answer.status : front::BecomeNode(command);
}

}  // namespace tsrunc::init
