//! Networks and trainings that make no sense do not compile, and the compiler says what to do.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A program that compiles, with `network` and `config` for `inputs` filled in.
fn program(network: &str, config: &str, inputs: &str) -> String {
    format!(
        "use thumbnet::prelude::*;
type Net = {network};
fn main() {{
    let (mut network, mut state) = (Net::ZEROED, TrainState::<Net, Sgd, 1>::ZEROED);
    let mut trainer = Trainer::new({config}, &mut network, &mut state).unwrap();
    trainer.step(&[{inputs}], 0).unwrap();
}}
"
    )
}

const SIGMOID: &str = "mlp![2 => 3 Relu => 2 Sigmoid]";
const SOFTMAX: &str = "mlp![2 => 3 Relu => 2 Softmax]";
const CONFIG: &str = "TrainConfig::new(0.1)";
const SOFTMAX_CONFIG: &str = "TrainConfig::new(0.1).with_cost(SoftmaxCrossEntropy)";

#[test]
fn what_makes_no_sense_does_not_compile() {
    let says = "`Sigmoid` outputs take `CrossEntropy` or `Quadratic`, `Softmax` takes";
    // What compiles has no sentence; every other program differs from one of those in one place.
    let programs = [
        ("sigmoid", program(SIGMOID, CONFIG, "0.0, 1.0"), None),
        (
            "softmax",
            program(SOFTMAX, SOFTMAX_CONFIG, "0.0, 1.0"),
            None,
        ),
        (
            "cost_for_other_outputs",
            program(SOFTMAX, CONFIG, "0.0, 1.0"),
            Some([
                "outputs with activation `thumbnet::Softmax` cannot be trained with",
                says,
            ]),
        ),
        (
            "outputs_for_another_cost",
            program(SIGMOID, SOFTMAX_CONFIG, "0.0, 1.0"),
            Some([
                "outputs with activation `thumbnet::Sigmoid` cannot be trained with",
                says,
            ]),
        ),
        (
            "hidden_softmax",
            program("mlp![2 => 3 Softmax => 2 Sigmoid]", CONFIG, "0.0, 1.0"),
            Some([
                "`thumbnet::Softmax` cannot be the activation of a hidden layer",
                "use `Sigmoid`, `Tanh`, `Relu` or `Identity`",
            ]),
        ),
        (
            "too_many_inputs",
            program(SIGMOID, CONFIG, "0.0, 1.0, 0.5"),
            Some(["Width<2>", "Width<3>"]),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = format!(
        "[package]\nname = \"programs\"\nedition = \"2024\"\n\
         [dependencies]\nthumbnet.path = {:?}\n[workspace]\n",
        root.join("core")
    );
    fs::create_dir_all(at("src/bin")).unwrap();
    fs::write(at("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), at("Cargo.lock")).unwrap();
    for (name, text, _) in &programs {
        fs::write(at(&format!("src/bin/{name}.rs")), text).unwrap();
    }
    for (name, _, expected) in programs {
        let checked = Command::new(env!("CARGO"))
            .args(["check", "--quiet", "--offline", "--bin", name])
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs"),
            )
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(
            checked.status.success(),
            expected.is_none(),
            "{name}: {said}"
        );
        for sentence in expected.iter().flatten() {
            assert!(said.contains(sentence), "{name}: {said}");
        }
    }
}
