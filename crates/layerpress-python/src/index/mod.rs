//! Package indexes: their pages, the files on them, and what is known about each file.
//!
//! A [`Registry`] holds the places of a run. Of a package it gives the [`Versions`], of those the
//! files ([`FileView`], a look into the store; [`FileRecord`], one on its own), and of a file its
//! [`Metadata`](crate::Metadata).

mod compiled;
mod defaults;
mod error;
mod file;
mod find_links;
mod html;
mod json;
mod link;
mod page;
mod registry;
mod sdist;
mod sources;
mod tail;
mod versions;

pub use compiled::CompiledPage;
pub use defaults::DEFAULT_INDEX;
pub use error::{IndexError, PageFault};
pub use file::{Agreement, CoreMetadata, FileRecord, digest_matches};
pub use find_links::FindLinks;
pub use page::FileView;
pub use registry::{IndexStrategy, PassedOver, Registry, RegistryOptions};
pub use sdist::SdistMetadata;
pub use tail::ArchiveFault;
pub use versions::{Shelf, Versions};
