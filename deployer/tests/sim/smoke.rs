//! The commands as they go when nothing happens.

use crate::application::Behavior;
use crate::simulation::Snapshot;
use crate::stack::Shape;
use crate::verdict::Serving;

#[test]
fn a_first_release_and_a_second_one_and_a_rollback_go_through() {
    Snapshot::new(Shape::of(2), 1).simulate(async |simulation| {
        let mut codes = Vec::new();
        for _ in 0..2 {
            let artifact = simulation.artifact(Behavior::Right);
            simulation.change_definition("dev");
            simulation.done(&format!("deploy dev --artifact {}", artifact.folder.display())).await;
            assert_eq!(Serving::of(simulation, "dev").codes, artifact.codes);
            codes.push(artifact.codes);
        }
        simulation.done("rollback dev --to previous").await;
        assert_eq!(Serving::of(simulation, "dev").codes, codes[0]);
    });
}
