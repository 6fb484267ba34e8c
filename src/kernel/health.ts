/** What one part of the broker says of itself; `fail` takes the whole broker out of service, `warn` does not. */
export interface HealthCheck {
  readonly name: string
  readonly status: 'pass' | 'warn' | 'fail'
  readonly message: string
}
