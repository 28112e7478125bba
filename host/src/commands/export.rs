//! `thumbnet export`: a network in the form that another program takes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use thumbnet::preparation::Size;
use thumbnet::{Activation, Architecture, Preparation};

use super::output::{describe, grouped, hex, print, quoted};
use crate::model::Model;
use crate::run::interrupt::uninterrupted;

/// From here on `include_model!` needs the compiler's leave to take its time.
const LONG_TO_COMPILE: usize = 2_000_000;

/// A form to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// thumbnet's weights file, which a board's program includes and reads in place
    Device,
}

/// Arguments of `thumbnet export`.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct ExportArgs {
    /// The weights file
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,

    /// What to make of it
    #[arg(long, value_name = "NAME")]
    pub format: Format,

    /// The file to write; one that exists is replaced
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Checks a network, writes it in another form, and says how to use that.
///
/// # Errors
///
/// The weights file is damaged or cannot be read, or the new file cannot be written.
pub fn run(args: &ExportArgs) -> Result<()> {
    let model = Model::load(&args.model)?;
    ensure!(
        !args.out.is_dir(),
        "--out: expected the name of a file, found the folder {}",
        args.out.display()
    );
    let Format::Device = args.format;
    uninterrupted(|| model.save(&args.out))?;
    print(&text(&model, &args.out))
}

fn text(model: &Model, out: &Path) -> String {
    let parameters = model.architecture.parameters();
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!(
        "wrote {}\n\
         network   {}, trained with {}\n\
         images    {}\n\
         in flash  {} bytes, read in place: no RAM\n\
         CRC-32    {} of the weights, which a board prints too\n\n\
         In a board's program, with the file beside the source:\n\n\
         \x20   use thumbnet::prelude::*;\n{}\n\
         \x20   type Model = {};\n",
        quoted(&out.display().to_string()),
        describe(&model.architecture),
        model.cost,
        model.preparation,
        grouped(parameters * size_of::<f32>()),
        hex(model.weights_crc32()),
        match model.preparation {
            Preparation::None => "",
            _ => "    use thumbnet::preparation::Size;\n",
        },
        rust_type(&model.architecture),
    );
    if parameters > LONG_TO_COMPILE {
        text += "    #[allow(long_running_const_eval)]\n";
    }
    let _ = match rust_preparation(model.preparation) {
        None => writeln!(
            text,
            "    static MODEL: Model = include_model!(Model, {name:?});\n\n\
             and then MODEL.predict(&pixels).class."
        ),
        Some(preparation) => writeln!(
            text,
            "    const PREPARATION: Preparation = {preparation};\n\
             \x20   static MODEL: Model = include_model!(Model, {name:?}, PREPARATION);\n\n\
             and then PREPARATION.apply(&image, &mut pixels, &mut [0; {}]) and \
             MODEL.predict(&pixels).class.",
            model.preparation.scratch_bytes()
        ),
    };
    text
}

/// The preparation as an expression; none if there is nothing to do.
fn rust_preparation(preparation: Preparation) -> Option<String> {
    let size = |size: Size| format!("Size::of::<{}, {}>()", size.width(), size.height());
    Some(match preparation {
        Preparation::None => return None,
        Preparation::Deskew(of) => format!("Preparation::Deskew({})", size(of)),
        Preparation::Scale { from, to } => {
            let (from, to) = (size(from), size(to));
            format!("Preparation::Scale {{\n        from: {from},\n        to: {to},\n    }}")
        }
        Preparation::DeskewAndScale { from, to } => {
            let (from, to) = (size(from), size(to));
            format!(
                "Preparation::DeskewAndScale {{\n        from: {from},\n        to: {to},\n    }}"
            )
        }
    })
}

/// The network as a type: `mlp![784 => 32 Sigmoid => 10 Sigmoid]`.
fn rust_type(architecture: &Architecture) -> String {
    let mut text = format!("mlp![{}", architecture.inputs());
    for layer in architecture.layers() {
        let activation = match layer.activation {
            Activation::Sigmoid => "Sigmoid",
            Activation::Tanh => "Tanh",
            Activation::Relu => "Relu",
            Activation::Identity => "Identity",
            Activation::Softmax => "Softmax",
        };
        let _ = write!(text, " => {} {activation}", layer.fan_out);
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_architecture;
    use thumbnet::{Cost, Initialization};

    #[test]
    fn the_type_is_the_models_own() {
        let of =
            |shape, hidden, output| rust_type(&parse_architecture(shape, hidden, output).unwrap());
        assert_eq!(
            of("784-32-16-10", Activation::Relu, Activation::Softmax),
            "mlp![784 => 32 Relu => 16 Relu => 10 Softmax]"
        );
        assert_eq!(
            of("4-2", Activation::Relu, Activation::Identity),
            "mlp![4 => 2 Identity]"
        );
    }

    #[test]
    fn the_preparation_is_the_models_own() {
        let (from, to) = (Size::of::<28, 28>(), Size::of::<16, 16>());
        let size = |side| format!("Size::of::<{side}, {side}>()");
        assert_eq!(rust_preparation(Preparation::None), None);
        assert_eq!(
            rust_preparation(Preparation::Deskew(from)).unwrap(),
            format!("Preparation::Deskew({})", size(28))
        );
        for (preparation, name) in [
            (Preparation::Scale { from, to }, "Scale"),
            (Preparation::DeskewAndScale { from, to }, "DeskewAndScale"),
        ] {
            let text = rust_preparation(preparation).unwrap();
            let words: Vec<&str> = text.split_whitespace().collect();
            let expected = format!(
                "Preparation::{name} {{ from: {}, to: {}, }}",
                size(28),
                size(16)
            );
            assert_eq!(words.join(" "), expected);
        }
    }

    #[test]
    fn what_is_written_is_the_model() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["a.thumbnet", "b.thumbnet"].map(|name| folder.path().join(name));
        let shape = parse_architecture("4-3-2", Activation::Relu, Activation::Softmax).unwrap();
        let (cost, initialization) = (Cost::SoftmaxCrossEntropy, Initialization::default());
        let model = Model {
            preparation: Preparation::Deskew(Size::of::<2, 2>()),
            ..Model::fresh(shape, cost, initialization, 5)
        };
        model.save(&from).unwrap();
        let args = ExportArgs {
            model: from,
            format: Format::Device,
            out: to.clone(),
        };
        run(&args).unwrap();
        assert_eq!(Model::load(&to).unwrap(), model);
        let into_folder = ExportArgs {
            out: folder.path().to_owned(),
            ..args
        };
        let error = run(&into_folder).unwrap_err().to_string();
        assert!(
            error.starts_with("--out: expected the name of a file"),
            "{error}"
        );
    }
}
