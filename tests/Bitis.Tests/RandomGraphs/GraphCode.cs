using System.Globalization;
using System.Reflection;
using System.Text;
using Bitis.Graphs.Operators;
using Bitis.Tensors;

namespace Bitis.Tests.RandomGraphs;

/// <summary>A graph as the C# that builds it, to be pasted into a test.</summary>
internal static class GraphCode
{
    /// <summary>The code.</summary>
    /// <param name="spec">The graph.</param>
    /// <param name="seed">What its weights and images are drawn from.</param>
    public static string Of(GraphSpec spec, ulong seed)
    {
        var code = new StringBuilder();
        code.AppendLine(
            CultureInfo.InvariantCulture,
            $"var b = new GraphBuilder({Value(((Input)spec.Nodes[0].Operator).Shape)}); // weights and images: seed "
            + $"{seed}");
        int? block = null;
        for (int i = 1; i < spec.Nodes.Count; i++)
        {
            NodeSpec node = spec.Nodes[i];
            if (node.Block != block)
            {
                code.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"b.Block = {node.Block?.ToString(CultureInfo.InvariantCulture) ?? "null"};");
            }

            block = node.Block;
            string inputs = string.Join(
                ", ", node.Inputs.Select(input => input == 0 ? "b.Input" : spec.Nodes[input].Name));
            string names = string.Join(
                ", ", node.Operator.Parameters.Select(parameter => $"\"{node.ParameterOwner}.{parameter.Role}\""));
            string arguments = node.ParameterOwner is null ? inputs : $"[{inputs}], [{names}]";
            code.AppendLine(
                CultureInfo.InvariantCulture,
                $"Node {node.Name} = b.Add(\"{node.Name}\", {Of(node.Operator)}, {arguments});");
        }
        return code.Append(
            CultureInfo.InvariantCulture, $"Graph graph = b.Build({spec.Nodes[spec.Output].Name});").ToString();
    }

    private static string Of(Operator op)
    {
        Type type = op.GetType();
        ParameterInfo[] parameters = type.GetConstructors()[0].GetParameters();
        string setting = op is GridConv2d { LacksBias: true } ? " { LacksBias = true }" : "";
        string arguments = string.Join(", ", parameters.Select(parameter => Argument(op, parameter)));
        return $"new {type.Name}({arguments}){setting}";
    }

    private static string Argument(Operator op, ParameterInfo parameter)
    {
        object value = op.GetType().GetProperty(parameter.Name!)!.GetValue(op)!;
        return value is bool ? $"{parameter.Name}: {Value(value)}" : Value(value);
    }

    private static string Value(object value) => value switch
    {
        bool truth => truth ? "true" : "false",
        float number => number.ToString("R", CultureInfo.InvariantCulture) + "f",
        IEnumerable<int> numbers => $"[{string.Join(", ", numbers)}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
