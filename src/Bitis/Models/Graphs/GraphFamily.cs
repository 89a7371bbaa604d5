using Bitis.Models.Families;

namespace Bitis.Models.Graphs;

/// <summary>
/// Models whose files carry their graphs: architectures that are no family's, or that are to run without their author's
/// code.
/// </summary>
internal sealed class GraphFamily() : ModelFamily<GraphConfig>("graph", ModelJson.Default.GraphConfig);
