import { createRootRoute, createRoute, createRouter } from '@tanstack/react-router';
import { HostsScreen } from './screens/hosts.tsx';
import { MarkScreen } from './screens/mark.tsx';
import { MarksScreen } from './screens/marks.tsx';
import { ReleaseScreen } from './screens/release.tsx';
import { RolloutScreen } from './screens/rollout.tsx';
import { ServiceScreen } from './screens/service.tsx';
import { ServicesScreen } from './screens/services.tsx';
import { NotFound, Shell } from './shell.tsx';

/** Every view has its own address. To add one: a screen, and a line here. */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const services = createRoute({ getParentRoute: () => root, path: '/', component: ServicesScreen });
const service = createRoute({
  getParentRoute: () => root,
  path: '/services/$service',
  component: function Service() {
    return <ServiceScreen service={service.useParams().service} />;
  },
});
const rollout = createRoute({
  getParentRoute: () => root,
  path: '/rollouts/$rollout',
  validateSearch: (search: Record<string, unknown>): { task?: number } =>
    Number.isInteger(Number(search.task)) && search.task !== undefined ? { task: Number(search.task) } : {},
  component: function Rollout() {
    return <RolloutScreen rollout={rollout.useParams().rollout} task={rollout.useSearch().task} />;
  },
});
const release = createRoute({
  getParentRoute: () => root,
  path: '/releases/$release',
  component: function Release() {
    return <ReleaseScreen release={release.useParams().release} />;
  },
});
const marks = createRoute({ getParentRoute: () => root, path: '/marks', component: MarksScreen });
const mark = createRoute({
  getParentRoute: () => root,
  path: '/marks/$mark',
  component: function Mark() {
    return <MarkScreen mark={mark.useParams().mark} />;
  },
});
const hosts = createRoute({ getParentRoute: () => root, path: '/hosts', component: HostsScreen });

export const router = createRouter({
  routeTree: root.addChildren([services, service, rollout, release, marks, mark, hosts]),
  defaultPreload: false,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
