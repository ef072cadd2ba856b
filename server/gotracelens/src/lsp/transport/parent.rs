//! Notices that the editor is gone although its end of our pipes is still open somewhere.

use std::time::Duration;

/// How often the parent is looked at. The protocol sets no figure; three seconds is where users notice orphans.
const POLL: Duration = Duration::from_secs(1);

/// Returns when process `process_id` has ended; never returns where that cannot be found out.
pub(super) async fn ended(process_id: i32) {
    let Some(parent) = Parent::watch(process_id) else {
        return std::future::pending().await;
    };
    while parent.is_alive() {
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(unix)]
struct Parent {
    pid: rustix::process::Pid,
    /// The process is our direct parent. When it ends we get another parent, even while nobody has reaped it.
    is_direct: bool,
}

#[cfg(unix)]
impl Parent {
    fn watch(process_id: i32) -> Option<Self> {
        let pid = rustix::process::Pid::from_raw(process_id).filter(|_| process_id > 0)?;
        Some(Parent { pid, is_direct: rustix::process::getppid() == Some(pid) })
    }

    fn is_alive(&self) -> bool {
        if self.is_direct && rustix::process::getppid() != Some(self.pid) {
            return false;
        }
        // Any other error, such as a missing permission, means that the process exists.
        rustix::process::test_kill_process(self.pid) != Err(rustix::io::Errno::SRCH)
    }
}

/// Elsewhere the end of the standard input has to do: there is no safe way to look at another process.
#[cfg(not(unix))]
struct Parent;

#[cfg(not(unix))]
impl Parent {
    fn watch(_process_id: i32) -> Option<Self> {
        None
    }

    fn is_alive(&self) -> bool {
        true
    }
}
