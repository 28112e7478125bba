//! The recipes that are part of the program: the files in `host/recipes`.

use std::path::Path;

use anyhow::{Result, bail};

use super::Recipe;

/// The recipe that is taken when none is named.
pub const DEFAULT: &str = "default";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../recipes/", $name, ".toml")))),*]
    };
}

/// Names and files, the default first.
pub const ALL: [(&str, &str); 14] = files![
    "default",
    "notes",
    "book-30",
    "book-100",
    "book-98",
    "best-16",
    "best-32",
    "best-25k",
    "best-100",
    "best-800",
    "fashion",
    "digits",
    "xor",
    "two-moons"
];

impl Recipe {
    /// The built-in recipe of this name.
    ///
    /// # Errors
    ///
    /// When there is none; says which there are.
    pub fn built_in(name: &str) -> Result<Self> {
        match text(name) {
            Some(text) => Self::from_toml(text, &format!("{name}.toml"), name),
            None => bail!("expected {}, found {name:?}", names()),
        }
    }

    /// What follows `--recipe`: a built-in recipe's name, or a file.
    ///
    /// # Errors
    ///
    /// When there is neither, or the file holds no recipe.
    pub fn find(text: &str) -> Result<Self> {
        if self::text(text).is_some() {
            return Self::built_in(text);
        }
        let path = Path::new(text);
        if path.components().count() > 1 || path.extension().is_some() || path.exists() {
            return Self::load(path);
        }
        bail!("expected {}, or a file, found {text:?}", names());
    }
}

/// The file of a built-in recipe.
pub fn text(name: &str) -> Option<&'static str> {
    let found = ALL.iter().find(|(found, _)| *found == name);
    found.map(|(_, text)| *text)
}

fn names() -> String {
    ALL.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_say_what_they_are() {
        for (name, _) in ALL {
            let recipe = Recipe::built_in(name).unwrap();
            assert_eq!(recipe.name, name);
            // What a line has room for: of the heading of `thumbnet train`, and of `thumbnet recipes`.
            for (text, most) in [(&recipe.summary, 88 - name.len()), (&recipe.reaches, 82)] {
                assert!(!text.is_empty() && text.len() <= most, "{name}: {text}");
            }
            assert_eq!(Recipe::find(name).unwrap(), recipe);
        }
    }

    #[test]
    fn the_books_numbers() {
        let recipe = Recipe::built_in("book-100").unwrap();
        assert_eq!(
            (recipe.hidden, recipe.batch_size, recipe.epochs),
            (vec![100], 10, 30)
        );
        assert_eq!((recipe.learning_rate, recipe.l2), (0.1, 5.0));
        let recipe = Recipe::built_in("book-30").unwrap();
        assert_eq!((recipe.learning_rate, recipe.l2), (0.5, 0.0));
    }

    #[test]
    fn what_is_neither_a_name_nor_a_file_is_refused() {
        for bad in ["", "book", "nope"] {
            let error = format!("{:#}", Recipe::find(bad).unwrap_err());
            assert!(
                error.contains("book-100") && error.contains("or a file"),
                "{error}"
            );
        }
        let error = format!("{:#}", Recipe::find("nowhere/x.toml").unwrap_err());
        assert!(
            error.starts_with("cannot read the recipe nowhere/x.toml"),
            "{error}"
        );
    }
}
