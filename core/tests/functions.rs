//! The functions that everything is made of, against f64 and against their definitions.

mod support;

use std::hint::black_box;

use support::number_or_zero;
use thumbnet::activation::sigmoid;
use thumbnet::cost::Cost;
use thumbnet::input::pixel;
use thumbnet::network::argmax;
use thumbnet::prelude::*;
use thumbnet::random::{below, uniform};
use thumbnet::{Activation, kernel};

/// What one rounding to f32 may change, relative to the result.
const U: f64 = 1.0 / 16_777_216.0;

/// Numbers where things overflow, underflow or lose their sign.
const EXTREMES: [f32; 16] = [
    f32::MAX,
    f32::MIN,
    1.0e30,
    -1.0e30,
    1.0e4,
    -1.0e4,
    89.0,
    -89.0,
    1.0,
    -1.0,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1.0e-45,
    -1.0e-45,
    0.0,
    -0.0,
];

/// The distance from `exact` to `found` in units in the last place of an f32 of that size.
fn ulps(found: f32, exact: f64) -> f64 {
    let exponent = (exact.abs().to_bits() >> 52) as i32 - 1023;
    (f64::from(found) - exact) / f64::from(exponent.max(-126) - 23).exp2()
}

/// The largest error of `exp` over every `stride`th f32 from -87 to 88, and where it is.
fn largest_error_of_exp(first: u32, stride: usize) -> (f64, f32) {
    let mut largest = (0.0, 0.0);
    for (sign, end) in [(0, 88.0_f32), (1 << 31, 87.0)] {
        for magnitude in (first..=end.to_bits()).step_by(stride) {
            let x = f32::from_bits(sign | magnitude);
            let error = ulps(kernel::exp(x), f64::from(x).exp()).abs();
            if error > largest.0 {
                largest = (error, x);
            }
        }
    }
    largest
}

/// What the documentation of `exp` says.
const LARGEST_ERROR_OF_EXP: f64 = 1.05;

#[test]
fn exp_is_as_good_as_it_says() {
    // Nine million numbers; 257 is coprime to all powers of two, so every mantissa gets its turn.
    let (error, x) = largest_error_of_exp(0, 257);
    println!("largest error of exp: {error:.4} ulp, at {x}");
    assert!(error < LARGEST_ERROR_OF_EXP, "{error} ulp at {x}");
}

#[test]
fn exp_never_falls_between_neighbours() {
    // Around each quarter of ln 2, where n and r's sign change over, and between.
    for quarters in -4 * 125..=4 * 126 {
        let centre = (quarters as f32 * 0.25 * core::f32::consts::LN_2).to_bits();
        let window = centre.saturating_sub(2_000)..=centre + 2_000;
        let values: Vec<f32> = window.map(|x| kernel::exp(f32::from_bits(x))).collect();
        let mut pairs = values.windows(2);
        if quarters < 0 {
            assert!(pairs.all(|pair| pair[0] >= pair[1]), "{quarters}");
        } else {
            assert!(pairs.all(|pair| pair[0] <= pair[1]), "{quarters}");
        }
    }
}

/// The two tests above for each of the 2.2 thousand million numbers there are.
#[test]
#[ignore = "every f32 from -87 to 88: half a minute with --release"]
fn exp_is_as_good_as_it_says_everywhere() {
    let largest = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|first| scope.spawn(move || largest_error_of_exp(first, 16)))
            .collect();
        let falls = |sign: u32, end: f32| {
            move || {
                let value = |x| kernel::exp(f32::from_bits(sign | x));
                (0..end.to_bits()).find(|&x| {
                    let (near, far) = (value(x), value(x + 1));
                    if sign == 0 { near > far } else { near < far }
                })
            }
        };
        let up = scope.spawn(falls(0, 88.0));
        let down = scope.spawn(falls(1 << 31, 87.0));
        assert_eq!(up.join().expect("no panic"), None);
        assert_eq!(down.join().expect("no panic"), None);
        let results = threads.into_iter().map(|t| t.join().expect("no panic"));
        results.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
    });
    println!(
        "largest error of exp: {:.4} ulp, at {}",
        largest.0, largest.1
    );
    assert!(largest.0 < LARGEST_ERROR_OF_EXP, "{largest:?}");
}

#[test]
fn exp_saturates_at_both_ends() {
    let (least, most) = (kernel::exp(-87.0), kernel::exp(88.0));
    assert!(least >= f32::MIN_POSITIVE && most.is_finite());
    for x in [-87.000_01, -88.0, -1.0e30, f32::MIN, f32::NEG_INFINITY] {
        assert_eq!(kernel::exp(x), least, "at {x}");
    }
    for x in [88.000_01, 89.0, 1.0e30, f32::MAX, f32::INFINITY] {
        assert_eq!(kernel::exp(x), most, "at {x}");
    }
    assert_eq!(kernel::exp(0.0), 1.0);
    assert_eq!(kernel::exp(-0.0), 1.0);
    for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001)] {
        assert!(kernel::exp(nan).is_nan());
    }
}

/// The largest error of `tanh` over every `stride`th f32 from 2^-20 to 10, and where it is. Below,
/// the cube of `z` is too small to matter; above, the result is 1.
fn largest_error_of_tanh(first: u32, stride: usize) -> (f64, f32) {
    let mut largest = (0.0, 0.0);
    let start = 2.0_f32.powi(-20).to_bits();
    for magnitude in (start + first..=10.0_f32.to_bits()).step_by(stride) {
        let z = f32::from_bits(magnitude);
        let error = ulps(kernel::tanh(z), libm::tanh(f64::from(z))).abs();
        if error > largest.0 {
            largest = (error, z);
        }
    }
    largest
}

/// What the documentation of `tanh` says.
const LARGEST_ERROR_OF_TANH: f64 = 1.34;

#[test]
fn tanh_is_as_good_as_it_says() {
    // Three quarters of a million numbers: a prime stride reaches every part of every mantissa.
    let (error, z) = largest_error_of_tanh(0, 257);
    println!("largest error of tanh: {error:.4} ulp, at {z}");
    assert!(error < LARGEST_ERROR_OF_TANH, "{error} ulp at {z}");
}

#[test]
fn tanh_never_falls_between_neighbours() {
    // Where the two formulas meet, and around each multiple of 1/8.
    for eighths in 1..=80 {
        let reach = if eighths == 5 { 200_000 } else { 5_000 };
        let centre = (eighths as f32 / 8.0).to_bits();
        let values = (centre - reach..=centre + reach).map(|z| kernel::tanh(f32::from_bits(z)));
        assert!(values.is_sorted(), "around {eighths} / 8");
    }
}

/// The two tests above for every number.
#[test]
#[ignore = "every f32 from 2^-20 to 10: seconds with --release"]
fn tanh_is_as_good_as_it_says_everywhere() {
    let (error, z) = largest_error_of_tanh(0, 1);
    println!("largest error of tanh: {error:.4} ulp, at {z}");
    assert!(error < LARGEST_ERROR_OF_TANH, "{error} ulp at {z}");
    let all = 0..=10.0_f32.to_bits();
    assert!(all.map(|z| kernel::tanh(f32::from_bits(z))).is_sorted());
}

#[test]
fn tanh_is_odd_saturates_and_keeps_small_numbers() {
    for z in EXTREMES {
        assert_eq!(
            kernel::tanh(-z).to_bits(),
            (-kernel::tanh(z)).to_bits(),
            "{z}"
        );
    }
    for z in [10.0, 88.0, 1.0e30, f32::MAX, f32::INFINITY] {
        assert_eq!(kernel::tanh(z), 1.0, "at {z}");
        assert_eq!(kernel::tanh(-z), -1.0, "at {z}");
    }
    // z - z^3 / 3 rounds to z.
    for magnitude in (0..=2.0_f32.powi(-13).to_bits()).step_by(9_973) {
        let z = f32::from_bits(magnitude);
        assert_eq!(kernel::tanh(z).to_bits(), magnitude, "at {z}");
    }
    for nan in [f32::NAN, -f32::NAN, f32::from_bits(0x7F80_0001)] {
        assert!(kernel::tanh(nan).is_nan());
    }
}

/// The f32 nearest to the root of `x`: that of an f64 has more than twice the digits, so rounding it
/// once more changes nothing. Compilers know that too, and would take the root of an f32.
fn nearest_root(x: f32) -> f32 {
    black_box(f64::from(x).sqrt()) as f32
}

/// The first of every `stride`th f32 from 0 to infinity whose root is not the nearest.
fn first_wrong_root(stride: usize) -> Option<f32> {
    let mut all = (0..=f32::INFINITY.to_bits())
        .step_by(stride)
        .map(f32::from_bits);
    all.find(|&x| kernel::sqrt(x).to_bits() != nearest_root(x).to_bits())
}

#[test]
fn roots_are_rounded_correctly() {
    assert_eq!(first_wrong_root(257), None);
    assert_eq!(kernel::sqrt(-0.0).to_bits(), (-0.0_f32).to_bits());
    for x in [-1.0e-45, -1.0, f32::NEG_INFINITY, f32::NAN] {
        assert!(kernel::sqrt(x).is_nan(), "at {x}");
    }
    // In a loop, which compilers make vectors of, as alone.
    let mut roots: Vec<f32> = (1..=1_000).map(|x| x as f32).collect();
    for x in &mut roots {
        *x = kernel::sqrt(*x);
    }
    for (x, root) in (1_u16..).zip(roots) {
        assert_eq!(root, nearest_root(f32::from(x)), "of {x}");
    }
}

#[test]
#[ignore = "every f32 that has a root: seconds with --release"]
fn roots_are_rounded_correctly_everywhere() {
    assert_eq!(first_wrong_root(1), None);
}

#[test]
fn sigmoid_agrees_with_its_definition() {
    // exp is off by up to 2u, 1 + e and the quotient by u each, and the numerator may be exp again.
    let mut largest: f64 = 0.0;
    for index in -870_000..=870_000 {
        let z = index as f32 * 1.0e-4;
        let exact = 1.0 / (1.0 + (-f64::from(z)).exp());
        let error = (f64::from(sigmoid(z)) - exact).abs() / exact;
        assert!(
            error < 6.0 * U,
            "sigmoid({z}) = {}, not {exact}",
            sigmoid(z)
        );
        largest = largest.max(error);
        // Exactly its own mirror image, but for the rounding of two quotients.
        assert!((sigmoid(z) + sigmoid(-z) - 1.0).abs() <= 2.0 * f32::EPSILON);
    }
    println!("largest relative error of sigmoid: {:.2} u", largest / U);
    for z in EXTREMES {
        assert!((0.0..=1.0).contains(&sigmoid(z)), "sigmoid({z})");
    }
    assert_eq!(sigmoid(0.0), 0.5);
    assert_eq!(sigmoid(f32::INFINITY), 1.0);
    assert!(sigmoid(f32::NAN).is_nan());
}

#[test]
fn activations_are_finite_at_any_finite_weighted_input() {
    for activation in [
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::Identity,
        Activation::Softmax,
    ] {
        for first in EXTREMES {
            for second in EXTREMES {
                let mut values = [first, second, 0.5];
                activation.apply(&mut values);
                for a in values {
                    let derivative = activation.derivative(a);
                    assert!(a.is_finite(), "{activation} of {first}, {second}: {a}");
                    assert!((0.0..=1.0).contains(&derivative), "{activation}'({a})");
                }
            }
        }
        // A diverged network stays visible: no activation turns NaN into a number.
        let mut values = [1.0, f32::NAN];
        activation.apply(&mut values);
        assert!(values[1].is_nan(), "{activation} of NaN");
    }
}

#[test]
fn softmax_is_a_distribution_that_shifts_do_not_change() {
    let mut rng = XorShiftRng::seed_from_u64(11);
    for classes in 1..=130 {
        // Multiples of 1/8 up to 16: shifting them by 32 is exact, so nothing may change at all.
        let z: Vec<f32> = (0..classes)
            .map(|_| below(&mut rng, 256) as f32 / 8.0 - 16.0)
            .collect();
        let mut a = z.clone();
        Activation::Softmax.apply(&mut a);
        let mut shifted: Vec<f32> = z.iter().map(|z| z + 32.0).collect();
        Activation::Softmax.apply(&mut shifted);
        assert_eq!(a, shifted);
        assert_eq!(argmax(&a), argmax(&z));

        // The sum of n rounded quotients, each good to a rounding, of a sum that was rounded n times.
        let sum: f64 = a.iter().map(|&a| f64::from(a)).sum();
        assert!((sum - 1.0).abs() < (classes as f64 + 2.0) * U, "sum {sum}");

        // The largest is below 1 + 4u of the exact one and so on down: exp, the sum, the quotient.
        let exponentials: Vec<f64> = z.iter().map(|&z| f64::from(z).exp()).collect();
        let total: f64 = exponentials.iter().sum();
        for (a, exact) in a.iter().zip(exponentials.iter().map(|e| e / total)) {
            let error = (f64::from(*a) - exact).abs() / exact;
            assert!(error < (classes as f64 + 6.0) * U, "{a}, not {exact}");
        }
    }
}

#[test]
fn argmax_is_the_first_of_the_largest() {
    assert_eq!(argmax(&[0.25, 0.5, 0.5, 0.0]), 1);
    assert_eq!(argmax(&[-3.0, -1.0, -2.0]), 1);
    assert_eq!(argmax(&[f32::NAN, 1.0]), 1);
    assert_eq!(argmax(&[f32::NAN, f32::NAN]), 0);
    assert_eq!(argmax(&[]), 0);
}

/// Each cost with the output activations that it can follow.
const COSTS: [(Cost, Activation); 6] = [
    (Cost::CrossEntropy, Activation::Sigmoid),
    (Cost::Quadratic, Activation::Sigmoid),
    (Cost::Quadratic, Activation::Tanh),
    (Cost::Quadratic, Activation::Relu),
    (Cost::Quadratic, Activation::Identity),
    (Cost::SoftmaxCrossEntropy, Activation::Softmax),
];

#[test]
fn only_the_listed_costs_fit() {
    for cost in [
        Cost::CrossEntropy,
        Cost::Quadratic,
        Cost::SoftmaxCrossEntropy,
    ] {
        for activation in [
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Relu,
            Activation::Identity,
            Activation::Softmax,
        ] {
            let listed = COSTS.contains(&(cost, activation));
            assert_eq!(cost.fits(activation), listed, "{cost} after {activation}");
        }
    }
}

/// The cost and `dC/dz` from the definitions, in f64.
fn definition(cost: Cost, activation: Activation, z: &[f32], label: usize) -> (f64, Vec<f64>) {
    let y = |j: usize| f64::from(u8::from(j == label));
    let exponentials: f64 = z.iter().map(|&z| f64::from(z).exp()).sum();
    let a: Vec<f64> = z
        .iter()
        .map(|&z| f64::from(z))
        .map(|z| match activation {
            Activation::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Activation::Tanh => z.tanh(),
            Activation::Relu => z.max(0.0),
            Activation::Identity => z,
            Activation::Softmax => z.exp() / exponentials,
        })
        .collect();
    let outputs = a.iter().copied().enumerate();
    match cost {
        Cost::CrossEntropy => (
            z.iter()
                .enumerate()
                // ln a and ln(1 - a), of which a itself would lose all digits.
                .map(|(j, &z)| {
                    y(j) * (-f64::from(z)).exp().ln_1p() + (1.0 - y(j)) * f64::from(z).exp().ln_1p()
                })
                .sum(),
            outputs.map(|(j, a)| a - y(j)).collect(),
        ),
        Cost::Quadratic => (
            outputs.clone().map(|(j, a)| (a - y(j)).powi(2) / 2.0).sum(),
            outputs
                .map(|(j, a)| {
                    let derivative = match activation {
                        Activation::Sigmoid => a * (1.0 - a),
                        Activation::Tanh => 1.0 - a * a,
                        Activation::Relu => f64::from(u8::from(a > 0.0)),
                        _ => 1.0,
                    };
                    (a - y(j)) * derivative
                })
                .collect(),
        ),
        Cost::SoftmaxCrossEntropy => (
            exponentials.ln() - f64::from(z[label]),
            outputs.map(|(j, a)| a - y(j)).collect(),
        ),
    }
}

#[test]
fn costs_and_deltas_agree_with_their_definitions() {
    let mut rng = XorShiftRng::seed_from_u64(12);
    for (cost, activation) in COSTS {
        let mut largest: f64 = 0.0;
        for case in 0..2_000 {
            // Beyond 64 and 128 too: cross-entropy takes its logarithms in blocks of 64.
            let classes = 1 + below(&mut rng, 140) as usize;
            let spread = [0.1, 1.0, 10.0, 60.0][case % 4];
            let z: Vec<f32> = (0..classes)
                .map(|_| spread * number_or_zero(&mut rng, 20))
                .collect();
            let label = below(&mut rng, classes as u32) as u8;
            let mut deltas = z.clone();
            let found = f64::from(cost.deltas(activation, &mut deltas, label));
            let (exact, exact_deltas) = definition(cost, activation, &z, usize::from(label));

            // n terms, each good to 6u of itself, are added one after another, which rounds every
            // partial sum: n u of the sum of magnitudes. The logarithm of a product of n factors,
            // each good to 3u, is off by 4 n u in absolute terms; that of a sum by (n + 3) u.
            let n = classes as f64;
            let magnitudes = exact + z.iter().map(|z| f64::from(z.abs())).fold(0.0, f64::max);
            let bound = U * ((n + 6.0) * magnitudes + 4.0 * n + 3.0);
            let error = (found - exact).abs();
            assert!(
                error <= bound,
                "{cost}, {activation}, {classes} classes: {found}, not {exact}"
            );
            largest = largest.max(error / bound);

            // An activation is good to (n + 6) u of itself, then two more roundings.
            for (found, exact) in deltas.iter().zip(exact_deltas) {
                let bound = (n + 10.0) * U * (1.0 + exact.abs());
                let error = (f64::from(*found) - exact).abs();
                assert!(
                    error <= bound,
                    "{cost}, {activation}: delta {found}, not {exact}"
                );
            }
        }
        println!("{cost}, {activation}: errors reach {largest:.2} of their bound");
    }
}

#[test]
fn costs_never_become_nan_and_deltas_stay_finite() {
    for (cost, activation) in COSTS {
        for first in EXTREMES {
            for second in EXTREMES {
                for label in 0..3 {
                    let mut values = [first, second, 0.5];
                    let found = cost.deltas(activation, &mut values, label);
                    let what = format!("{cost}, {activation}, {first}, {second}, {label}: {found}");
                    assert!(found >= 0.0, "{what}");
                    assert!(values.iter().all(|d| d.is_finite()), "{what}, {values:?}");
                    // The costs with a logarithm grow like |z|, the quadratic one like its square.
                    let limit = match (cost, activation) {
                        (Cost::Quadratic, Activation::Relu | Activation::Identity) => 1.0e18,
                        _ => 1.0e37,
                    };
                    if first.abs() <= limit && second.abs() <= limit {
                        assert!(found.is_finite(), "{what}");
                    }
                }
            }
        }
        let mut values = [0.5, f32::NAN];
        assert!(
            cost.deltas(activation, &mut values, 0).is_nan(),
            "{cost} of NaN"
        );
    }
}

#[test]
fn a_pixel_is_its_value_over_255() {
    for value in 0..=u8::MAX {
        assert_eq!(pixel(value).to_bits(), (f32::from(value) / 255.0).to_bits());
    }
}

/// Random numbers with exact zeros, of both signs, among them.
fn numbers(rng: &mut XorShiftRng, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| number_or_zero(rng, 4) * if below(rng, 2) == 0 { 1.0 } else { -1.0 })
        .collect()
}

#[test]
fn dot_is_eight_lanes_and_good_to_its_roundings() {
    let mut rng = XorShiftRng::seed_from_u64(13);
    for length in (0..=130).chain([784, 1_000]) {
        let (left, right) = (numbers(&mut rng, length), numbers(&mut rng, length));
        let found = kernel::dot(&left, &right);

        let mut lanes = [0.0_f32; 8];
        for index in 0..length {
            lanes[index % 8] += left[index] * right[index];
        }
        let halved: [f32; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
        let quartered = [halved[0] + halved[2], halved[1] + halved[3]];
        assert_eq!(found.to_bits(), (quartered[0] + quartered[1]).to_bits());

        // A product, the sum of its lane, and three sums of lanes: roundings on the way of a term.
        let products = || {
            left.iter()
                .zip(&right)
                .map(|(l, r)| f64::from(*l) * f64::from(*r))
        };
        let magnitudes: f64 = products().map(f64::abs).sum();
        let roundings = 1.0 + length.div_ceil(8) as f64 + 3.0;
        let error = (f64::from(found) - products().sum::<f64>()).abs();
        assert!(
            error <= roundings * U * magnitudes,
            "length {length}: {error}"
        );
    }
}

#[test]
fn forward_is_the_plain_loop_for_every_width() {
    let mut rng = XorShiftRng::seed_from_u64(14);
    // Twice the widest block there is, and a little.
    for fan_out in 1..=210 {
        let fan_in = 1 + below(&mut rng, 40) as usize;
        let weights = numbers(&mut rng, fan_in * fan_out);
        let biases = numbers(&mut rng, fan_out);
        let input = numbers(&mut rng, fan_in);
        let image: Vec<u8> = (0..fan_in)
            .map(|_| (256.0 * uniform(&mut rng)) as u8 & 0xF0)
            .collect();
        let pixels: Vec<f32> = image.iter().map(|&value| pixel(value)).collect();

        let plain = |input: &[f32]| {
            let mut outputs = biases.clone();
            for (j, output) in outputs.iter_mut().enumerate() {
                for (i, &value) in input.iter().enumerate() {
                    if value != 0.0 {
                        *output += value * weights[i * fan_out + j];
                    }
                }
            }
            outputs.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let mut outputs = biases.clone();
        kernel::forward(input.as_slice(), &weights, &mut outputs);
        let bits: Vec<u32> = outputs.into_iter().map(f32::to_bits).collect();
        assert_eq!(bits, plain(&input), "{fan_in}-{fan_out}");

        let mut outputs = biases.clone();
        kernel::forward(image.as_slice(), &weights, &mut outputs);
        let bits: Vec<u32> = outputs.into_iter().map(f32::to_bits).collect();
        assert_eq!(bits, plain(&pixels), "{fan_in}-{fan_out}, pixels");
    }
}
