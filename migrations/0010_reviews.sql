-- Why a milestone was missed and what is done about it; and what a plan's regular reviews found, frozen.

CREATE TABLE miss_reports (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    plan_id UUID NOT NULL,
    milestone_id UUID NOT NULL,
    missed_on DATE NOT NULL,
    root_cause TEXT NOT NULL,
    category TEXT NOT NULL,
    recovery_actions TEXT NOT NULL,
    new_forecast_on DATE NOT NULL,
    author TEXT NOT NULL,
    recorded_on DATE NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, milestone_id, missed_on),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id),
    FOREIGN KEY (organization_id, milestone_id) REFERENCES milestones (organization_id, id)
);
CREATE INDEX miss_reports_by_plan ON miss_reports (organization_id, plan_id, milestone_id);

CREATE TABLE reviews (
    organization_id UUID NOT NULL,
    plan_id UUID NOT NULL,
    number BIGINT NOT NULL,
    reviewed_on DATE NOT NULL,
    content TEXT NOT NULL,
    author TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, plan_id, number),
    FOREIGN KEY (organization_id, plan_id) REFERENCES plans (organization_id, id)
);
