-- Whether the client was told of a date change, and has taken note of it. Each is recorded once.

CREATE TABLE forecast_communications (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    forecast_change_id UUID NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('communicated', 'acknowledged')),
    who TEXT,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, forecast_change_id, kind),
    FOREIGN KEY (organization_id, forecast_change_id) REFERENCES forecast_changes (organization_id, id)
);
CREATE INDEX forecast_communications_by_plan ON forecast_communications (organization_id, plan_id, forecast_change_id);
