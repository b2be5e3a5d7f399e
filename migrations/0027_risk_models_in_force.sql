-- Which fitted risk model applies from when; without one, the factors' points decide. Only ever added to.

CREATE TABLE risk_model_activations (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    risk_model_id UUID,
    reason TEXT,
    author TEXT NOT NULL,
    activated_on DATE NOT NULL,
    activated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, risk_model_id) REFERENCES risk_models (organization_id, id)
);

-- Until now a model applied as soon as it was fitted.
INSERT INTO risk_model_activations (organization_id, id, risk_model_id, reason, author, activated_on, activated_at)
SELECT organization_id, id, id, NULL, author, DATE(fitted_at), fitted_at FROM risk_models;
