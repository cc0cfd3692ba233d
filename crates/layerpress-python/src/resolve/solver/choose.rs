//! Choosing a version for the package at hand, and finding out what it needs.

use std::sync::Arc;

use pep440_rs::Version;
use pubgrub::Ranges;

use super::super::demands::Dependency;
use super::super::package::{NameId, Package};
use super::super::provider::{MetadataFault, Pick, ProvideError, Provider, Release, Unusable};
use super::super::ranges;
use super::super::stock::Stock;
use super::{Choice, Failure, Solver, root_version};
use crate::Metadata;

impl<P: Provider> Solver<P> {
    /// The next version to try from `range`.
    pub(super) fn choose(
        &mut self,
        package: Package,
        range: &Ranges<Version>,
    ) -> Result<Choice, Failure> {
        let name = match package {
            Package::Root => return Ok(Choice::Version(root_version())),
            // Releases depend on it only where the target's does not fit them.
            Package::Python => return Ok(Choice::NoneInRange),
            Package::Plain(name, _)
            | Package::Feature(name, ..)
            | Package::MarkerProxy(name, _)
            | Package::ExtraProxy(name, ..) => name,
        };
        if self.fixed(name).is_some() {
            return Ok(self.choose_fixed(name, range));
        }
        if let Some((before, version)) = self.selected.get(&self.next)
            && before == range
        {
            return Ok(Choice::Version(version.clone()));
        }
        let choice = self.choose_released(package, name, range)?;
        if let Choice::Version(version) = &choice {
            let selected = (range.clone(), version.clone());
            self.selected.insert(self.next, selected);
        }
        Ok(choice)
    }

    fn choose_fixed(&self, name: NameId, range: &Ranges<Version>) -> Choice {
        let Some(fixed) = self.fixed(name) else {
            return Choice::NoneInRange;
        };
        let Metadata {
            version,
            requires_python,
            ..
        } = &*fixed.metadata;
        if !range.contains(version) {
            return Choice::NoneInRange;
        }
        match requires_python {
            Some(specifiers) if !self.fits_python(specifiers) => {
                let specifiers = Arc::new(specifiers.clone());
                Choice::Unusable(version.clone(), Arc::new(Unusable::Python { specifiers }))
            }
            _ => Choice::Version(version.clone()),
        }
    }

    fn choose_released(
        &mut self,
        package: Package,
        name: NameId,
        range: &Ranges<Version>,
    ) -> Result<Choice, Failure> {
        let stock = self.stock(name)?;
        let desk = &self.problem.desk;
        let selector = desk.selector();
        let package_name = self.names.package_name(name);
        let Some(candidate) = selector.select(package_name, range, &stock) else {
            let plain = matches!(package, Package::Plain(..) | Package::Feature(..));
            return Ok(match stock.missing() {
                Some(missing) if plain => Choice::NoneAtAll(missing),
                _ => Choice::NoneInRange,
            });
        };
        let version = candidate.version.clone();
        let pick = match candidate.release {
            Release::Usable(pick) => pick,
            Release::Unusable(why) => {
                return Ok(Choice::Unusable(version, Arc::new(why.clone())));
            }
            Release::Hidden => return Ok(Choice::NoneInRange),
        };
        if let Some(specifiers) = &pick.requires_python
            && !self.fits_python(specifiers)
        {
            let specifiers = Arc::clone(specifiers);
            return Ok(Choice::Unusable(
                version,
                Arc::new(Unusable::Python { specifiers }),
            ));
        }
        if self.problem.require_hashes && !selector.has_hash(package_name) {
            return Ok(Choice::Unusable(version, Arc::new(Unusable::Unhashed)));
        }
        self.picks
            .entry((name, version.clone()))
            .or_insert_with(|| pick.clone());
        Ok(Choice::Version(version))
    }

    /// What a version brings in, or why it will not do after all.
    pub(super) fn dependencies(
        &mut self,
        package: Package,
        version: &Version,
    ) -> Result<Result<Vec<Dependency>, Unusable>, Failure> {
        let (name, extra) = match package {
            Package::Root => return Ok(self.problem.demands.of_user(&mut self.names)),
            Package::Python => return Ok(Ok(Vec::new())),
            Package::MarkerProxy(..) | Package::ExtraProxy(..) => {
                let bound = |package| Dependency {
                    package,
                    range: Ranges::singleton(version.clone()),
                    line: None,
                };
                return Ok(Ok(package.variants().into_iter().map(bound).collect()));
            }
            Package::Plain(name, _) => (name, None),
            Package::Feature(name, extra, _) => (name, Some(extra)),
        };
        let metadata = match self.metadata(name, version)? {
            Ok(metadata) => metadata,
            Err(unusable) => return Ok(Err(unusable)),
        };
        if let Some(specifiers) = &metadata.requires_python
            && !self.fits_python(specifiers)
        {
            let specifiers = Arc::new(specifiers.clone());
            return Ok(Err(Unusable::Python { specifiers }));
        }
        let extra = extra.map(|extra| self.names.extra_name(extra).clone());
        let demands = &mut self.problem.demands;
        Ok(demands.of_release(&mut self.names, &metadata, extra.as_ref()))
    }

    fn metadata(
        &mut self,
        name: NameId,
        version: &Version,
    ) -> Result<Result<Arc<Metadata>, Unusable>, Failure> {
        if let Some(fixed) = self.fixed(name) {
            return Ok(Ok(Arc::clone(&fixed.metadata)));
        }
        let key = (name, version.clone());
        if let Some(metadata) = self.metadata.get(&key) {
            return Ok(Ok(Arc::clone(metadata)));
        }
        let Some(pick) = self.picks.get(&key).cloned() else {
            // Whatever is decided went through `choose_released` first.
            return Ok(Err(Unusable::Metadata {
                problem: "no file was chosen".to_owned(),
            }));
        };
        match self.read_metadata(name, version, &pick)? {
            Ok(metadata) => {
                self.metadata.insert(key, Arc::clone(&metadata));
                Ok(Ok(metadata))
            }
            Err(MetadataFault::Unusable(unusable)) => Ok(Err(unusable)),
            Err(MetadataFault::Failed(error)) => {
                Err(self.failed(name, Some(version.clone()), error))
            }
        }
    }

    fn read_metadata(
        &mut self,
        name: NameId,
        version: &Version,
        pick: &Pick<P::File>,
    ) -> Result<Result<Arc<Metadata>, MetadataFault>, Failure> {
        let desk = Arc::clone(&self.problem.desk);
        let package_name = self.names.package_name(name);
        if let Some(found) = desk.metadata_now(package_name, version, pick) {
            return Ok(found);
        }
        if !self.cold {
            self.cold = true;
            self.fetch_likely();
        }
        desk.metadata(self.names.package_name(name), version, pick)
            .ok_or(Failure::Cancelled)
    }

    /// The releases of a package, waited for if need be.
    pub(super) fn stock(&mut self, name: NameId) -> Result<Arc<Stock<P::File>>, Failure> {
        if let Some(stock) = self.stocks.get(&name) {
            return Ok(Arc::clone(stock));
        }
        let desk = &self.problem.desk;
        let package_name = self.names.package_name(name);
        let found = desk
            .stock_now(package_name)
            .or_else(|| desk.stock(package_name))
            .ok_or(Failure::Cancelled)?;
        match found {
            Ok(stock) => {
                self.stocks.insert(name, Arc::clone(&stock));
                Ok(stock)
            }
            Err(error) => Err(self.failed(name, None, error)),
        }
    }

    fn fits_python(&self, specifiers: &pep440_rs::VersionSpecifiers) -> bool {
        ranges::python_admitted(specifiers, self.problem.desk.python())
    }

    fn failed(&self, name: NameId, version: Option<Version>, error: ProvideError) -> Failure {
        Failure::Provide {
            name: self.names.package_name(name).clone(),
            version,
            error,
        }
    }
}
