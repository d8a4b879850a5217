//! The backend of this system: the only place of the command that asks which one it is.

#[cfg(target_os = "linux")]
pub(crate) use nono_linux::{
    ApplyError, Capability, CommandExt, ExecError, Judges, Linux as Sandbox, Namespaces, NoNamespace, OnTerminal,
    Policy, PrepareError, ServeError, SpawnError, Supervisor, Trial, UnknownCapability, exec, spawn, spawn_on_terminal,
    withheld_variables,
};

#[cfg(not(target_os = "linux"))]
compile_error!("nono runs on Linux only so far");
