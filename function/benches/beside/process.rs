//! What Linux reports about a running process: the CPU time it took, and the most memory it had; and its end.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};

/// User and system time of all threads so far, to the nanosecond. Neither function ends a thread while
/// it runs; one that ended would be missing.
pub(crate) fn cpu(id: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let ran = text.split(' ').next().and_then(|ran| ran.parse::<u64>().ok());
        nanoseconds += ran.context("`schedstat` is not as Linux writes it")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The largest resident set so far, in bytes: it never falls, so that what it grows by was needed at once.
pub(crate) fn peak_memory(id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak: u64 = peak.context("`status` has no `VmHWM`")?.parse()?;
    Ok(peak * 1024)
}

/// Sends it SIGTERM.
pub(crate) fn terminate(id: u32) -> Result<()> {
    let status = Command::new("kill").args(["-TERM", &id.to_string()]).status()?;
    ensure!(status.success(), "cannot end process {id}");
    Ok(())
}
