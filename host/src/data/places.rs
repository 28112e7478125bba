//! Where data is looked for: the environment's answers, gathered once.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use etcetera::BaseStrategy;

use super::inflated::Inflated;
use super::known::{FASHION_MNIST, Known, MNIST};
use super::{mirror, npm};

/// Every place data may come from. Tests put their own here.
pub(crate) struct Places {
    /// The folder in `$THUMBNET_DATA`, if it is set.
    pub(crate) thumbnet_data: Option<PathBuf>,
    /// The folder above the cached data sets, if one is known.
    pub(crate) cache_root: Option<PathBuf>,
    /// Where Debian's package puts Fashion-MNIST.
    pub(crate) debian_fashion: PathBuf,
    pub(crate) mirrors: Vec<String>,
    /// How long all mirrors together may take to answer.
    pub(crate) patience: Duration,
    pub(crate) npm: OsString,
    pub(crate) mnist: Known,
    pub(crate) fashion_mnist: Known,
}

impl Places {
    /// The places of this machine and this user.
    pub(crate) fn from_environment() -> Self {
        let folder = |variable| {
            env::var_os(variable)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let user_cache = || {
            let base = etcetera::choose_base_strategy().ok()?;
            Some(base.cache_dir().join("thumbnet"))
        };
        Self {
            thumbnet_data: folder(super::VARIABLE),
            cache_root: folder("THUMBNET_CACHE").or_else(user_cache),
            debian_fashion: PathBuf::from("/usr/share/datasets/fashion-mnist"),
            mirrors: mirror::MIRRORS.map(str::to_owned).to_vec(),
            patience: mirror::PATIENCE,
            npm: npm::PROGRAM.into(),
            mnist: MNIST,
            fashion_mnist: FASHION_MNIST,
        }
    }

    /// What large compressed files hold.
    pub(crate) fn inflated(&self) -> Inflated {
        Inflated::new(self.cache_root.as_deref())
    }

    /// The sets a folder is compared with.
    pub(crate) fn known(&self) -> [&Known; 2] {
        [&self.mnist, &self.fashion_mnist]
    }

    /// The folder of a cached data set.
    ///
    /// # Errors
    ///
    /// No home folder and no `$THUMBNET_CACHE`.
    pub(crate) fn cache(&self, data_set: &str) -> Result<PathBuf> {
        match &self.cache_root {
            Some(root) => Ok(root.join(data_set)),
            None => bail!("expected a home folder for the cache, found none: set THUMBNET_CACHE"),
        }
    }
}
