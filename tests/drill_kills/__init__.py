"""`make drill-kills`: labs that are killed in the middle of a drill, and what they leave behind."""
