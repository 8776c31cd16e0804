//! The catalogue of actions, in the words of tests.

use std::fs;

use customer_profile::proto::v1::{ImportActionsRequest, ImportActionsResponse};
use tonic::Status;

use super::{Service, documents::root};

/// The files of `examples/actions`.
pub fn starter() -> Vec<String> {
    let files = [
        "policy", "segments", "serve", "retain", "sell", "nurture", "listen",
    ];
    let read = |name| fs::read_to_string(root().join(format!("examples/actions/{name}.yaml")));
    files.map(|name| read(name).unwrap()).to_vec()
}

/// A request to import some texts.
pub fn importing(operation: &str, documents: Vec<String>) -> ImportActionsRequest {
    ImportActionsRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        documents,
        dry_run: false,
    }
}

impl Service {
    pub async fn import(
        &self,
        operation: &str,
        documents: Vec<String>,
    ) -> Result<ImportActionsResponse, Status> {
        let request = importing(operation, documents);
        let answer = self.actions().import_actions(request).await?;
        Ok(answer.into_inner())
    }

    /// Imports the starter catalogue.
    pub async fn import_starter(&self, operation: &str) -> ImportActionsResponse {
        self.import(operation, starter()).await.unwrap()
    }
}
