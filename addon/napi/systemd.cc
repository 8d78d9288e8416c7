// startUnit, stopUnit, setUnitProperties: the three calls to systemd that a container needs,
// org.freedesktop.systemd1(5), as promises: a job takes its time. libsystemd is loaded when the first is made: who uses
// no systemd has none to load.
#include <dlfcn.h>
#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exports.h"
#include "later.h"

namespace tsrunc::napi {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr uint64_t kPatience = 30'000'000;  // microseconds until a job must be done

// clang-format off
// (It indents the lines of this list further at each run.)
#define TSRUNC_SD_BUS(X) \
  X(sd_bus_open_system) X(sd_bus_open_user) X(sd_bus_flush_close_unref) X(sd_bus_message_new_method_call) \
  X(sd_bus_message_append) X(sd_bus_message_append_basic) X(sd_bus_message_append_array) \
  X(sd_bus_message_open_container) X(sd_bus_message_close_container) X(sd_bus_message_unref) X(sd_bus_call) \
  X(sd_bus_match_signal) X(sd_bus_process) X(sd_bus_wait) X(sd_bus_message_read) X(sd_bus_error_free)
// clang-format on

struct Library {
#define TSRUNC_MEMBER(name) decltype(&::name) name;
  TSRUNC_SD_BUS(TSRUNC_MEMBER)
#undef TSRUNC_MEMBER
};

// Thrown where there is no JavaScript; becomes an error with `code` there.
struct Failure {
  std::string words, code = "ESYSTEMD";
};

Library Load() {
  Library library;
  void* handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw Failure{"libsystemd.so.0 cannot be loaded: install it, or use cgroupfs", "ENOENT"};
#define TSRUNC_LOAD(name)                                                   \
  library.name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name)); \
  if (library.name == nullptr) throw Failure{"libsystemd.so.0 is too old: it lacks " #name, "ENOSYS"};
  TSRUNC_SD_BUS(TSRUNC_LOAD)
#undef TSRUNC_LOAD
  return library;
}

const Library& Sd() {
  static const Library library = Load();  // a failure is thrown again at the next call
  return library;
}

// One connection, one message; both gone at the end.
class Call {
 public:
  explicit Call(bool is_user) : sd_(Sd()) {
    Check(is_user ? sd_.sd_bus_open_user(&bus_) : sd_.sd_bus_open_system(&bus_), "connect to systemd");
  }
  ~Call() {
    if (reply_ != nullptr) sd_.sd_bus_message_unref(reply_);
    if (message_ != nullptr) sd_.sd_bus_message_unref(message_);
    if (bus_ != nullptr) sd_.sd_bus_flush_close_unref(bus_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const Library& sd() const { return sd_; }
  sd_bus_message* message() const { return message_; }

  void New(const char* method) {
    if (message_ != nullptr) sd_.sd_bus_message_unref(message_);
    Check(sd_.sd_bus_message_new_method_call(bus_, &message_, kService, kObject, kManager, method), method);
  }
  void Check(int result, const std::string& doing) const {
    if (result < 0) throw Failure{doing + ": " + strerror(-result)};
  }
  // Sends the message. systemd's own name of a failure becomes the code, its words the message.
  void Send(const std::string& doing) {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    if (reply_ != nullptr) sd_.sd_bus_message_unref(reply_), reply_ = nullptr;
    int result = sd_.sd_bus_call(bus_, message_, kPatience, &error, &reply_);
    if (result >= 0) return;
    std::string words = doing + ": " + (error.message != nullptr ? error.message : strerror(-result));
    std::string code = error.name != nullptr ? error.name : "ESYSTEMD";
    sd_.sd_bus_error_free(&error);
    throw Failure{words, code};
  }
  // From here on the ends of jobs are heard.
  void Listen() {
    Check(sd_.sd_bus_match_signal(bus_, nullptr, kService, kObject, kManager, "JobRemoved", OnJobRemoved, this),
          "listen to systemd");
    New("Subscribe");
    Send("subscribe to systemd");
  }
  // Sends a message whose answer is a job, and waits for the job's end; its result, "done" when it worked.
  std::string SendJob(const std::string& doing) {
    Send(doing);
    const char* path;
    Check(sd_.sd_bus_message_read(reply_, "o", &path), doing);
    std::string job = path;
    for (time_t end = time(nullptr) + kPatience / 1'000'000; time(nullptr) <= end;) {
      for (const Ended& ended : ended_)
        if (ended.job == job) return ended.result;
      int processed = sd_.sd_bus_process(bus_, nullptr);
      Check(processed, doing);
      if (processed == 0) (void)sd_.sd_bus_wait(bus_, 1'000'000);  // EINTR is as good as a wake-up
    }
    throw Failure{doing + ": systemd has not finished the job in 30 s", "ETIMEDOUT"};
  }

 private:
  struct Ended {
    std::string job, result;
  };
  static int OnJobRemoved(sd_bus_message* message, void* self, sd_bus_error*) {
    auto* call = static_cast<Call*>(self);
    uint32_t id;
    const char *job, *unit, *result;
    if (call->sd_.sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) >= 0)
      call->ended_.push_back({job, result});
    return 0;
  }

  const Library& sd_;
  sd_bus* bus_ = nullptr;
  sd_bus_message* message_ = nullptr;
  sd_bus_message* reply_ = nullptr;
  std::vector<Ended> ended_;
};

// A value as JavaScript has given it. Which member counts is said by the signature.
struct Value {
  std::string text;
  uint64_t word = 0;
  double number = 0;
  std::vector<uint8_t> bytes;
  std::vector<Value> items;
};
struct Property {
  std::string name, signature;
  Value value;
};
using Properties = std::vector<Property>;

Value ReadValue(const Napi::Value& given) {
  Value value;
  bool is_exact;
  if (given.IsString()) value.text = given.As<Napi::String>();
  else if (given.IsBigInt()) value.word = given.As<Napi::BigInt>().Uint64Value(&is_exact);
  else if (given.IsBoolean()) value.word = given.As<Napi::Boolean>() ? 1 : 0;
  else if (given.IsTypedArray()) {
    auto bytes = given.As<Napi::Uint8Array>();
    value.bytes.assign(bytes.Data(), bytes.Data() + bytes.ByteLength());
  } else if (given.IsArray()) {
    auto list = given.As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); i++) value.items.push_back(ReadValue(list.Get(i)));
  } else if (given.IsNumber()) {
    value.number = given.As<Napi::Number>();
    value.word = static_cast<uint64_t>(given.As<Napi::Number>().Int64Value());
  }
  return value;
}

Properties ReadProperties(const Napi::Value& given) {
  auto list = given.As<Napi::Array>();
  Properties properties;
  for (uint32_t i = 0; i < list.Length(); i++) {
    auto property = list.Get(i).As<Napi::Array>();
    properties.push_back(
        {property.Get(0u).As<Napi::String>(), property.Get(1u).As<Napi::String>(), ReadValue(property.Get(2u))});
  }
  return properties;
}

// Where the complete type that begins here ends, D-Bus specification, Type System.
const char* TypeEnd(const char* type) {
  if (*type == 'a') return TypeEnd(type + 1);
  if (*type != '(' && *type != '{') return *type == '\0' ? type : type + 1;
  const char end = *type++ == '(' ? ')' : '}';
  while (*type != end && *type != '\0') type = TypeEnd(type);
  return *type == '\0' ? type : type + 1;
}

void AppendBasic(Call& call, char type, const Value& value) {
  auto byte = static_cast<uint8_t>(value.word);
  auto half = static_cast<uint16_t>(value.word);
  auto narrow = static_cast<uint32_t>(value.word);
  const void* word = nullptr;
  switch (type) {
    case 's':
    case 'o':
    case 'g': word = value.text.c_str(); break;
    case 'y': word = &byte; break;
    case 'n':
    case 'q': word = &half; break;
    case 'b':
    case 'i':
    case 'u': word = &narrow; break;
    case 'x':
    case 't': word = &value.word; break;
    case 'd': word = &value.number; break;
    default: break;
  }
  int result = word == nullptr ? -EINVAL : call.sd().sd_bus_message_append_basic(call.message(), type, word);
  call.Check(result, std::string("a value of type ") + type);
}

void Append(Call& call, const char* type, const Value& value);

void AppendContainer(Call& call, char kind, const std::string& contents, const std::function<void()>& fill) {
  const std::string doing = "a value of type " + contents;
  call.Check(call.sd().sd_bus_message_open_container(call.message(), kind, contents.c_str()), doing);
  fill();
  call.Check(call.sd().sd_bus_message_close_container(call.message()), doing);
}

// The items of a struct or a dictionary entry, each of its own type.
void AppendInTurn(Call& call, const std::string& contents, const std::vector<Value>& items) {
  const char* type = contents.c_str();
  for (const Value& item : items) {
    if (*type == '\0') throw Failure{"more items than " + contents + " has", "EINVAL"};
    Append(call, type, item);
    type = TypeEnd(type);
  }
}

// One value of the complete type at the beginning of `type`.
void Append(Call& call, const char* type, const Value& value) {
  const std::string whole(type, TypeEnd(type));
  if (whole == "ay") {
    int result = call.sd().sd_bus_message_append_array(call.message(), 'y', value.bytes.data(), value.bytes.size());
    call.Check(result, "bytes");
  } else if (whole[0] == 'a') {
    const std::string item_type = whole.substr(1);
    AppendContainer(call, 'a', item_type, [&] {
      for (const Value& item : value.items) Append(call, item_type.c_str(), item);
    });
  } else if (whole[0] == '(' || whole[0] == '{') {
    const std::string contents = whole.substr(1, whole.size() - 2);
    AppendContainer(call, whole[0] == '(' ? 'r' : 'e', contents, [&] { AppendInTurn(call, contents, value.items); });
  } else if (whole == "v") {
    if (value.items.size() != 2) throw Failure{"a variant is a signature and a value", "EINVAL"};
    const std::string& contents = value.items[0].text;
    AppendContainer(call, 'v', contents, [&] { Append(call, contents.c_str(), value.items[1]); });
  } else {
    AppendBasic(call, whole[0], value);
  }
}

void AppendProperties(Call& call, const Properties& properties) {
  AppendContainer(call, 'a', "(sv)", [&] {
    for (const auto& [name, signature, value] : properties)
      AppendContainer(call, 'r', "sv", [&] {
        call.Check(call.sd().sd_bus_message_append_basic(call.message(), 's', name.c_str()), name);
        AppendContainer(call, 'v', signature, [&] { Append(call, signature.c_str(), value); });
      });
  });
}

void RequireDone(const std::string& doing, const std::string& result) {
  if (result != "done") throw Failure{doing + ": the job ended as " + result};
}

void Start(bool is_user, const std::string& name, const Properties& properties) {
  const std::string doing = "start unit " + name;
  Call call(is_user);
  call.Listen();
  call.New("StartTransientUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "ss", name.c_str(), "fail"), doing);
  AppendProperties(call, properties);
  call.Check(call.sd().sd_bus_message_append(call.message(), "a(sa(sv))", 0), doing);
  RequireDone(doing, call.SendJob(doing));
}

void Stop(bool is_user, const std::string& name) {
  const std::string doing = "stop unit " + name;
  Call call(is_user);
  call.Listen();
  call.New("StopUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "ss", name.c_str(), "replace"), doing);
  RequireDone(doing, call.SendJob(doing));
  call.New("ResetFailedUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "s", name.c_str()), doing);
  call.Send(doing);
}

void SetProperties(bool is_user, const std::string& name, const Properties& properties) {
  const std::string doing = "set properties of unit " + name;
  Call call(is_user);
  call.New("SetUnitProperties");
  call.Check(call.sd().sd_bus_message_append(call.message(), "sb", name.c_str(), 1), doing);
  AppendProperties(call, properties);
  call.Send(doing);
}

// A promise of nothing but that `work` has thrown no Failure.
Napi::Value LaterOrFailure(Napi::Env env, std::function<void()> work) {
  auto failed = std::make_shared<std::optional<Failure>>();
  return Later(
      env,
      [work, failed] {
        try {
          work();
        } catch (const Failure& failure) {
          *failed = failure;
        }
      },
      [failed](Napi::Env env) -> Napi::Value {
        if (!failed->has_value()) return env.Undefined();
        Napi::Error error = Napi::Error::New(env, (*failed)->words);
        error.Set("code", Napi::String::New(env, (*failed)->code));
        throw error;
      });
}

}  // namespace

// startUnit(isUser, name, properties): StartTransientUnit, until the unit is active. A property: [name, signature,
// value].
Napi::Value StartUnit(const Napi::CallbackInfo& info) {
  bool is_user = info[0].As<Napi::Boolean>();
  std::string name = info[1].As<Napi::String>();
  return LaterOrFailure(info.Env(),
                        [is_user, name, properties = ReadProperties(info[2])] { Start(is_user, name, properties); });
}

// stopUnit(isUser, name): StopUnit, and forgets a failure of it.
Napi::Value StopUnit(const Napi::CallbackInfo& info) {
  bool is_user = info[0].As<Napi::Boolean>();
  std::string name = info[1].As<Napi::String>();
  return LaterOrFailure(info.Env(), [is_user, name] { Stop(is_user, name); });
}

// setUnitProperties(isUser, name, properties): SetUnitProperties until the unit ends.
Napi::Value SetUnitProperties(const Napi::CallbackInfo& info) {
  bool is_user = info[0].As<Napi::Boolean>();
  std::string name = info[1].As<Napi::String>();
  return LaterOrFailure(
      info.Env(), [is_user, name, properties = ReadProperties(info[2])] { SetProperties(is_user, name, properties); });
}

}  // namespace tsrunc::napi
