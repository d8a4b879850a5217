//! stand-in
use std::path::{Path, PathBuf};
#[derive(Debug)]
pub(crate) struct PrivateTmp {
    path: PathBuf,
}
impl PrivateTmp {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    pub(crate) fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
pub(crate) fn create() -> Result<PrivateTmp, crate::error::CliError> {
    let path = PathBuf::from(format!("/tmp/nono-tmp-{}", std::process::id()));
    std::fs::create_dir(&path).map_err(|source| crate::error::CliError::CurrentDirectory { source })?;
    Ok(PrivateTmp { path })
}
