//! What `tune` predicts, held against runs that were recorded with the other values.
//!
//! `corpus/programs/steady` keeps a live heap and allocates at a rate, whatever the collector does; it ran under GOGC 50,
//! 100, 200 and 400 and under memory limits of 150 and 300 MiB, with two sizes of live heap and two releases.

use std::io::Read as _;
use std::path::Path;

use ide::analysis::Analysis;
use ide::settings::Settings;
use ide::tune::{Collector, Measured};
use tracelog::{Blocks, Log, Runs};

/// Shares of P-time differ between equal runs of a busy machine too.
const MAX_SHARE_ERROR: f64 = 0.30;
const MAX_PEAK_ERROR: f64 = 0.15;

fn measured(name: &str) -> Measured {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judged/tune").join(name);
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).expect("a packed log");
    let log = Log::read(&bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let runs = Runs::of(&log);
    let blocks = Blocks::of(&log, &runs);
    let analysis = Analysis::of(&log, &runs, &lines, &Settings::default(), || &blocks);
    let measured = analysis.measured.into_iter().next().flatten();
    measured.unwrap_or_else(|| panic!("{name} shows what its collections cost"))
}

#[test]
fn runs_under_other_values_are_as_predicted() {
    let mut wrong = Vec::new();
    let mut n_predicted = 0;
    for program in ["1.22.10-a", "1.22.10-b", "1.27.3-a", "1.27.3-b"] {
        let base = measured(&format!("{program}-gogc100.log.gz"));
        let gogc = [50.0, 100.0, 200.0, 400.0].map(|gogc| (format!("gogc{gogc}"), Collector::Gogc(gogc)));
        let limits = [150.0, 300.0].map(|limit| (format!("limit{limit}"), Collector::LimitOnly(limit)));
        for (name, collector) in gogc.into_iter().chain(limits) {
            // Of so little garbage there are too few cycles under the larger limit.
            if program.ends_with('b') && name == "limit300" {
                continue;
            }
            let (predicted, recorded) = (base.under(collector), measured(&format!("{program}-{name}.log.gz")));
            let error = |predicted: f64, recorded: f64| (predicted / recorded - 1.0).abs();
            let errors = (
                error(predicted.gc_share, recorded.gc_share) / MAX_SHARE_ERROR,
                error(predicted.peak_mb, recorded.peak_mb) / MAX_PEAK_ERROR,
            );
            n_predicted += 1;
            if !(errors.0 <= 1.0 && errors.1 <= 1.0) {
                wrong.push((program, name, predicted, recorded.gc_share, recorded.peak_mb));
            }
        }
    }
    assert_eq!(wrong, []);
    assert_eq!(n_predicted, 22);
}
