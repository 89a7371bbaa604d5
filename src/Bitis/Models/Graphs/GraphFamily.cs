using Bitis.Models.Families;

namespace Bitis.Models.Graphs;

/// <summary>The family of models whose files carry their graphs, so they run without code of their own.</summary>
internal sealed class GraphFamily() : ModelFamily<GraphConfig>("graph", ModelJson.Default.GraphConfig);
