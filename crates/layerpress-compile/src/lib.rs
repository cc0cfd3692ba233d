//! The driver: from manifests to finished layer zips, stage by stage
