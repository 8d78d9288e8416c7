// startUnit, stopUnit, setUnitProperties: the three calls to systemd that a container needs,
// org.freedesktop.systemd1(5). libsystemd is loaded when the first is made: who uses no systemd has none to load.
#include <dlfcn.h>
#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "exports.h"

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

Napi::Error Failure(Napi::Env env, const std::string& words, const char* code) {
  Napi::Error error = Napi::Error::New(env, words);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

const Library& Load(Napi::Env env) {
  static Library library;
  static bool is_loaded = false;
  if (is_loaded) return library;
  void* handle = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw Failure(env, "libsystemd.so.0 cannot be loaded: install it, or use cgroupfs", "ENOENT");
#define TSRUNC_LOAD(name) library.name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name));
  TSRUNC_SD_BUS(TSRUNC_LOAD)
#undef TSRUNC_LOAD
#define TSRUNC_TEST(name) \
  if (library.name == nullptr) throw Failure(env, "libsystemd.so.0 is too old: it lacks " #name, "ENOSYS");
  TSRUNC_SD_BUS(TSRUNC_TEST)
#undef TSRUNC_TEST
  is_loaded = true;
  return library;
}

// One connection, one message; both gone at the end.
class Call {
 public:
  Call(Napi::Env env, bool is_user) : env_(env), sd_(Load(env)) {
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
    if (result < 0) throw Failure(env_, doing + ": " + strerror(-result), "ESYSTEMD");
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
    throw Failure(env_, words, code.c_str());
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
    throw Failure(env_, doing + ": systemd has not finished the job in 30 s", "ETIMEDOUT");
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

  Napi::Env env_;
  const Library& sd_;
  sd_bus* bus_ = nullptr;
  sd_bus_message* message_ = nullptr;
  sd_bus_message* reply_ = nullptr;
  std::vector<Ended> ended_;
};

uint64_t Unsigned(const Napi::Value& value) {
  bool is_exact;
  if (value.IsBigInt()) return value.As<Napi::BigInt>().Uint64Value(&is_exact);
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

void AppendBasic(Call& call, char type, const Napi::Value& value) {
  const auto& sd = call.sd();
  int result = -EINVAL;
  switch (type) {
    case 's':
      result = sd.sd_bus_message_append_basic(call.message(), 's', value.As<Napi::String>().Utf8Value().c_str());
      break;
    case 'b': {
      int word = value.As<Napi::Boolean>() ? 1 : 0;
      result = sd.sd_bus_message_append_basic(call.message(), 'b', &word);
      break;
    }
    case 'i':
    case 'u': {
      auto word = static_cast<uint32_t>(Unsigned(value));
      result = sd.sd_bus_message_append_basic(call.message(), type, &word);
      break;
    }
    case 'x':
    case 't': {
      uint64_t word = Unsigned(value);
      result = sd.sd_bus_message_append_basic(call.message(), type, &word);
      break;
    }
    case 'd': {
      double word = value.As<Napi::Number>();
      result = sd.sd_bus_message_append_basic(call.message(), 'd', &word);
      break;
    }
    default: break;
  }
  call.Check(result, std::string("a property of type ") + type);
}

// [name, signature, value]; the signature is of a basic type or an array of one.
void AppendProperty(Call& call, const Napi::Array& property) {
  const auto& sd = call.sd();
  std::string name = property.Get(0u).As<Napi::String>(), signature = property.Get(1u).As<Napi::String>();
  Napi::Value value = property.Get(2u);
  call.Check(sd.sd_bus_message_open_container(call.message(), 'r', "sv"), name);
  call.Check(sd.sd_bus_message_append_basic(call.message(), 's', name.c_str()), name);
  call.Check(sd.sd_bus_message_open_container(call.message(), 'v', signature.c_str()), name);
  if (signature == "ay") {
    auto bytes = value.As<Napi::Uint8Array>();
    call.Check(sd.sd_bus_message_append_array(call.message(), 'y', bytes.Data(), bytes.ByteLength()), name);
  } else if (signature[0] == 'a') {
    auto list = value.As<Napi::Array>();
    call.Check(sd.sd_bus_message_open_container(call.message(), 'a', signature.c_str() + 1), name);
    for (uint32_t i = 0; i < list.Length(); i++) AppendBasic(call, signature[1], list.Get(i));
    call.Check(sd.sd_bus_message_close_container(call.message()), name);
  } else {
    AppendBasic(call, signature[0], value);
  }
  call.Check(sd.sd_bus_message_close_container(call.message()), name);
  call.Check(sd.sd_bus_message_close_container(call.message()), name);
}

void AppendProperties(Call& call, const Napi::Array& properties) {
  call.Check(call.sd().sd_bus_message_open_container(call.message(), 'a', "(sv)"), "properties");
  for (uint32_t i = 0; i < properties.Length(); i++) AppendProperty(call, properties.Get(i).As<Napi::Array>());
  call.Check(call.sd().sd_bus_message_close_container(call.message()), "properties");
}

void RequireDone(Napi::Env env, const std::string& doing, const std::string& result) {
  if (result != "done") throw Failure(env, doing + ": the job ended as " + result, "ESYSTEMD");
}

}  // namespace

// startUnit(isUser, name, properties): StartTransientUnit; returns once the unit is active.
Napi::Value StartUnit(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Call call(env, info[0].As<Napi::Boolean>());
  std::string name = info[1].As<Napi::String>(), doing = "start unit " + name;
  call.Listen();
  call.New("StartTransientUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "ss", name.c_str(), "fail"), doing);
  AppendProperties(call, info[2].As<Napi::Array>());
  call.Check(call.sd().sd_bus_message_append(call.message(), "a(sa(sv))", 0), doing);
  RequireDone(env, doing, call.SendJob(doing));
  return env.Undefined();
}

// stopUnit(isUser, name): StopUnit, and forgets a failure of it.
Napi::Value StopUnit(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Call call(env, info[0].As<Napi::Boolean>());
  std::string name = info[1].As<Napi::String>(), doing = "stop unit " + name;
  call.Listen();
  call.New("StopUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "ss", name.c_str(), "replace"), doing);
  RequireDone(env, doing, call.SendJob(doing));
  call.New("ResetFailedUnit");
  call.Check(call.sd().sd_bus_message_append(call.message(), "s", name.c_str()), doing);
  call.Send(doing);
  return env.Undefined();
}

// setUnitProperties(isUser, name, properties): SetUnitProperties until the unit ends.
Napi::Value SetUnitProperties(const Napi::CallbackInfo& info) {
  Call call(info.Env(), info[0].As<Napi::Boolean>());
  std::string name = info[1].As<Napi::String>(), doing = "set properties of unit " + name;
  call.New("SetUnitProperties");
  call.Check(call.sd().sd_bus_message_append(call.message(), "sb", name.c_str(), 1), doing);
  AppendProperties(call, info[2].As<Napi::Array>());
  call.Send(doing);
  return info.Env().Undefined();
}

}  // namespace tsrunc::napi
