{
  'variables': {
    # Without libc: see docs/decisions/0002. The guard's value is a global because there is no thread-local storage.
    'freestanding_cflags': [
      '-std=c++20', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Werror', '-ffreestanding', '-fno-exceptions', '-fno-rtti',
      '-fno-asynchronous-unwind-tables', '-fno-threadsafe-statics', '-fstack-protector-strong', '-ffunction-sections',
      '-fdata-sections', '-fno-pic', '-fno-pie', '-fcf-protection=none', '-fvisibility=hidden',
      '-mstack-protector-guard=global'
    ],
    'freestanding_ldflags': [
      '-static', '-nostdlib', '-nostartfiles', '-no-pie', '-Wl,--gc-sections', '-Wl,-z,noexecstack', '-Wl,--build-id=none', '-s'
    ],
  },
  'targets': [
    {
      'target_name': 'tsrunc',
      'sources': [
        'addon/binding.cc', 'addon/napi/throw.cc', 'addon/napi/sealed.cc', 'addon/napi/process.cc', 'addon/napi/plan.cc',
        'addon/napi/seccomp.cc', 'addon/napi/socket.cc', 'addon/napi/channel.cc', 'addon/napi/watch.cc', 'addon/napi/later.cc', 'addon/napi/systemd.cc', 'addon/napi/bpf.cc', 'addon/init/report.cc', 'addon/plan/plan.cc'
      ],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=9', 'NODE_ADDON_API_CPP_EXCEPTIONS'],
      'cflags_cc': ['-std=c++20', '-fexceptions', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-fstack-protector-strong'],
      'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
      'libraries': ['-l:libseccomp.a', '-Wl,-z,now', '-Wl,-z,relro'],
    },
    {
      'target_name': 'tsrunc-init',
      'type': 'executable',
      'sources': [
        'addon/init/start.cc', 'addon/init/main.cc', 'addon/init/execute.cc', 'addon/init/report.cc', 'addon/init/resolve.cc',
        'addon/init/mounts.cc', 'addon/init/sources.cc', 'addon/init/proc.cc', 'addon/init/join.cc', 'addon/init/copy_up.cc', 'addon/init/ops_parent.cc', 'addon/init/ops_root.cc',
        'addon/init/ops_mount.cc', 'addon/init/ops_device.cc', 'addon/init/ops_path.cc', 'addon/init/ops_process.cc',
        'addon/init/ops_terminal.cc', 'addon/init/ops_hook.cc', 'addon/init/ops_exec.cc', 'addon/plan/plan.cc'
      ],
      'cflags_cc': ['<@(freestanding_cflags)'],
      'ldflags': ['<@(freestanding_ldflags)'],
      'ldflags!': ['-rdynamic', '-pthread'],
    },
    {
      'target_name': 'tsrunc-front',
      'type': 'executable',
      'sources': [
        'addon/front/main.cc', 'addon/front/spawn.cc', 'addon/front/node.cc', 'addon/front/client.cc', 'addon/front/serve.cc',
        'addon/launch/launch.cc',
        'addon/supervise/supervise.cc', 'addon/supervise/notify.cc', 'addon/init/report.cc', 'addon/init/start.cc'
      ],
      'defines': [
        "TSRUNC_NODE=\"<!(node -p process.execPath)\"", "TSRUNC_VERSION=\"<!(node -p \"require('./package.json').version\")\""
      ],
      'cflags_cc': ['<@(freestanding_cflags)'],
      'ldflags': ['<@(freestanding_ldflags)'],
      'ldflags!': ['-rdynamic', '-pthread'],
    },
  ],
}
